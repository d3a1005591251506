// A plugin of TypeDoc for the API reference. The keys of the configuration have the meaning and range of the schema, where they
// are written once; what has no category is warned of. Needs dist/.
import { Comment, Converter, ReflectionKind } from 'typedoc';
import { listKeys } from '../dist/lib/config/schema-keys.js';

const ROOTS = ['Config', 'ConfigDefinition'];

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const child of project.children)
      if (!hasCategory(child)) app.logger.warn(`${child.name} has no @category`);
    for (const name of ROOTS) {
      const root = project.children.find((child) => child.name === name);
      if (root === undefined) throw new Error(`lib/index.ts does not export "${name}"`);
      for (const group of root.children) describeKey(group, snake(group.name), {});
    }
  });
}

/** The docstring of a function is that of its signatures. */
function hasCategory({ comment, signatures = [] }) {
  return [comment, ...signatures.map((signature) => signature.comment)].some((own) =>
    own?.getTag('@category'),
  );
}

/** `names`: the `name` of each map above that has one, by its path. */
function describeKey(property, path, names) {
  const key = listKeys().find(
    (known) => known.path === path && known.variants.every(([map, name]) => names[map] === name),
  );
  if (key !== undefined && !property.hasComment())
    property.comment = new Comment([{ kind: 'text', text: sentences(key) }]);
  for (const map of mapsOf(property.type)) {
    const name = map.children?.find((child) => child.name === 'name');
    const inner = { ...names, ...(name && { [path]: literalOf(name.type) }) };
    for (const child of map.children ?? []) describeKey(child, `${path}.${snake(child.name)}`, inner);
  }
}

/** The maps that a value of this type may be. */
function mapsOf(type) {
  if (type?.type === 'union') return type.types.flatMap(mapsOf);
  if (type?.type === 'optional') return mapsOf(type.elementType);
  const { declaration } = type ?? {};
  return declaration?.kindOf(ReflectionKind.TypeLiteral) ? [declaration] : [];
}

/** The one text that a type stands for, also where it may be left out. */
function literalOf(type) {
  const literals = type?.type === 'union' ? type.types : [type];
  return literals.find((part) => part?.type === 'literal')?.value;
}

function sentences({ description, expected, isMap }) {
  const meaning = `${description[0].toUpperCase()}${description.slice(1)}.`;
  return isMap ? meaning : `${meaning} Range: ${expected}.`;
}

function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
