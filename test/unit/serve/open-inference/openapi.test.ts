// What is written keeps to the protocol's own OpenAPI description, and requests that keep to it are read.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CLASS_NAMES } from '../../../../lib/dataset/facts.js';
import { PACKAGE_ROOT } from '../../../../lib/package-root.js';
import {
  encodeInferResponse,
  modelMetadata,
  parseInferRequest,
  serverMetadata,
} from '../../../../lib/serve/open-inference/index.js';
import { input, json, LIMITS } from './requests.js';

const description = parse(
  readFileSync(join(PACKAGE_ROOT, 'test/serve/open_inference_rest.yaml'), 'utf8'),
) as { components: { schemas: Record<string, { properties: object }> } };
// Not strict, as the document around the schemas has keywords of OpenAPI.
const ajv = new Ajv({ strict: false }).addSchema(description, 'protocol');

/** What the schema of that name has against a value, and keys that it does not name. */
function flaws(name: string, value: object): string[] {
  const validate = ajv.getSchema(`protocol#/components/schemas/${name}`);
  if (validate === undefined) throw new Error(`no schema ${name}`);
  validate(JSON.parse(JSON.stringify(value)));
  const known = Object.keys(description.components.schemas[name]?.properties ?? {});
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  return [
    ...(validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`),
    ...unknown,
  ];
}

/** An answer in JSON to a request. */
function answerTo(body: Buffer): object {
  const { id, images, outputs } = parseInferRequest(body, undefined, LIMITS);
  const probabilities = images.map(() => new Float32Array(10).fill(0.1));
  const response = { id, modelVersion: '1', probabilities, classNames: CLASS_NAMES, outputs };
  return JSON.parse(encodeInferResponse(response).body as string);
}

test('the description is the one for these tests: it refuses what is wrong', () => {
  expect(flaws('metadata_server_response', { name: 'x', version: 1, extensions: [], more: 1 })).toEqual([
    '/version must be string',
    'more',
  ]);
  expect(flaws('inference_response', { model_name: 'x', outputs: [{ name: 'y' }] })).not.toEqual([]);
});

test('the metadata', () => {
  expect(flaws('metadata_server_response', serverMetadata())).toEqual([]);
  expect(flaws('metadata_model_response', modelMetadata('1'))).toEqual([]);
  for (const tensor of [...modelMetadata('1').inputs, ...modelMetadata('1').outputs])
    expect(flaws('metadata_tensor', tensor)).toEqual([]);
});

describe('requests and their answers', () => {
  test.each<[name: string, body: Buffer]>([
    ['pixels in one list', json()],
    [
      'pixels in nested lists',
      json({
        inputs: [
          input({
            data: [
              [
                [
                  [1, 2, 3],
                  [4, 5, 6],
                ],
              ],
            ],
          }),
        ],
      }),
    ],
    ['files in base64', json({ inputs: [input({ datatype: 'BYTES', shape: [2], data: ['QQ==', 'QUI='] })] })],
    ['with an id', json({ id: '42' })],
    ['with one output', json({ outputs: [{ name: 'labels', parameters: { binary_data: false } }] })],
    ['with parameters', json({ parameters: { binary_data_output: false, mine: 1 } })],
  ])('%s', (_, body) => {
    expect(flaws('inference_request', JSON.parse(body.toString()))).toEqual([]);
    const answer = answerTo(body) as { outputs: object[] };
    expect(flaws('inference_response', answer)).toEqual([]);
    expect(answer.outputs.flatMap((output) => flaws('response_output', output))).toEqual([]);
  });
});
