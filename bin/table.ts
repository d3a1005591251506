// Owns the layout of tables of text. Pure.

/** Names and values, the values aligned. */
export function table(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([name = '']) => name.length));
  return rows.map(([name = '', value = '']) => `${name.padEnd(width)}  ${value}`).join('\n');
}

/**
 * The text in lines of at most that width, broken between words; commands and quoted paths stay whole, and so does what
 * is too long for a line.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.match(/(?:`[^`]*`|"[^"]*"|\S)+/g) ?? []) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** A head and rows, each column as wide as its widest text; columns of figures to the right. */
export function columns(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const isFigures = head.map(
    (_, column) => rows.every((row) => /^(?:-|-?\d.*)$/.test(row[column] ?? '')) && column > 0,
  );
  const line = (row: readonly string[]) =>
    row
      .map((text, column) =>
        isFigures[column] ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}
