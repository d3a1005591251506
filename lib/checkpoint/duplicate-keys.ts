// Owns finding what JSON.parse hides: a key that an object holds twice. Must only see text that is valid JSON.

const TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\]:,]/g;

/** The first key that stands twice in the same object, at any depth, escapes resolved. */
export function findDuplicateKey(json: string): string | undefined {
  const objects: Set<string>[] = [];
  let lastString = '';
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === '{' || token === '[') objects.push(new Set());
    else if (token === '}' || token === ']') objects.pop();
    else if (token === ':') {
      const key = JSON.parse(lastString) as string;
      const keys = objects.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    } else lastString = token;
  }
  return undefined;
}
