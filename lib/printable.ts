// Owns making text of unknown origin, such as a name in a file, fit for a terminal and for a line. Must not know where it
// came from.

/**
 * What moves the cursor, changes colours, titles and the clipboard, or the direction of the text around it: the control
 * characters of C0 and C1, DEL, the separators of lines, and the controls of bidirectional text.
 */
const CONTROLS = /\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/gu;

/** The text with such characters as `\x1b` or `\u202e`, but for tabs and newlines. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (character) => (/[\t\n]/.test(character) ? character : escapeOf(character)));
}

/** Likewise with tabs and newlines: what comes is one line. */
export function escapeLine(text: string): string {
  return text.replace(CONTROLS, escapeOf);
}

/** The same JSON: JSON.stringify itself leaves what is beyond C0 as it is. */
export function escapeJson(json: string): string {
  return json.replace(CONTROLS, (character) => `\\u${hexadecimal(character, 4)}`);
}

function escapeOf(character: string): string {
  return character < '\u0100' ? `\\x${hexadecimal(character, 2)}` : `\\u${hexadecimal(character, 4)}`;
}

function hexadecimal(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}

/** The text, or its first `length` characters and how many there are. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const begin = text.slice(0, length).replace(/[\ud800-\udbff]$/, ''); // no half of a character
  return `${begin}… (cut, ${text.length} characters)`;
}

const MAX_NAME = 200;

/** A name as it stands in a message. */
export function quoted(name: string): string {
  return `"${shorten(escapeLine(name), MAX_NAME)}"`;
}
