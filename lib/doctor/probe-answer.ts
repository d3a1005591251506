// Owns what the probes print: one line of JSON, written and read here. Must not start a probe.
import { z } from 'zod';
import { Cifar10Error, errorMessage } from '../errors.js';

const loaderSchema = z.object({ builtForLibtorch: z.string() });

/** What the loader addon says of the addon beside it. */
export type LoaderAnswer = z.infer<typeof loaderSchema>;

const addonSchema = z.object({
  builtForLibtorch: z.string(),
  /** Of LibTorch's kernels: `AVX512`, `AVX2`, `DEFAULT`… */
  cpuCapability: z.string(),
  /** Whether LibTorch has CUDA and a device that it can use. */
  hasCuda: z.boolean(),
  cudaDeviceCount: z.number().optional(),
  /** Where the step of training ran: `cpu`, `cuda:0`. */
  device: z.string(),
  /** How many threads the step of training computed with. */
  threads: z.number(),
});

/** What an addon that works says of itself. */
export type AddonAnswer = z.infer<typeof addonSchema>;

const errorSchema = z.object({
  error: z.object({
    message: z.string(),
    code: z.string().optional(),
    expected: z.string().optional(),
    found: z.string().optional(),
    nextStep: z.string().optional(),
  }),
});

/** An error that a probe caught and printed. */
export type ProbeError = z.infer<typeof errorSchema>['error'];

/** Prints the answer of `work`, or the error that it threw. */
export async function printAnswer(work: () => unknown): Promise<void> {
  let answer: unknown;
  try {
    answer = await work();
  } catch (error) {
    const coded: Partial<Cifar10Error> = error instanceof Cifar10Error ? error : {};
    const { code, expected, found, nextStep } = coded;
    answer = { error: { message: errorMessage(error), code, expected, found, nextStep } };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** The answer among the lines of a probe's output; libraries may print lines of their own. */
export function readLoaderAnswer(stdout: string): LoaderAnswer | { error: ProbeError } | undefined {
  return findLine(stdout, z.union([errorSchema, loaderSchema]));
}

/** As `readLoaderAnswer`, of the whole addon. */
export function readAddonAnswer(stdout: string): AddonAnswer | { error: ProbeError } | undefined {
  return findLine(stdout, z.union([errorSchema, addonSchema]));
}

function findLine<Answer>(stdout: string, schema: z.ZodType<Answer>): Answer | undefined {
  for (const line of stdout.split('\n').reverse()) {
    const { data, success } = schema.safeParse(parseJson(line));
    if (success) return data;
  }
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
