// Owns what the result of one check is, and turning whatever a check throws into one. Must not know any check.
import { Cifar10Error, errorMessage } from '../errors.js';

type Details = Readonly<Record<string, unknown>>;

/**
 * What one check found.
 *
 * @category Diagnostics
 */
export interface DoctorCheck {
  /** What was looked at: `Node.js`, `LibTorch`, `addon loads`… */
  name: string;
  /** `failure`: training does not work. `warning`: something is missing or slow. */
  status: 'ok' | 'warning' | 'failure';
  /** What was found, in words. */
  found: string;
  /** One action that mends it; always there for a warning and a failure. */
  nextStep?: string | undefined;
  /** The same facts for a script; their keys belong to the check. */
  details?: Readonly<Record<string, unknown>> | undefined;
}

/** Something to mend. */
export interface Problem {
  status: 'warning' | 'failure';
  found: string;
  nextStep: string;
  details?: Details | undefined;
}

/** What a check finds out. */
export type Finding = { status: 'ok'; found: string; details?: Details | undefined } | Problem;

/** Runs one check. Never rejects. */
export async function check(name: string, find: () => Finding | Promise<Finding>): Promise<DoctorCheck> {
  try {
    return { name, ...(await find()) };
  } catch (error) {
    return { name, ...problemOf(error) };
  }
}

/** What was thrown, as a failure. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof Cifar10Error)) return unexpected(errorMessage(error));
  const { code, expected, found, nextStep } = error;
  const details = { code, expected, found };
  return { ...unexpected(withoutNextStep(error)), ...(nextStep && { nextStep }), details };
}

function unexpected(found: string): Problem {
  return {
    status: 'failure',
    found,
    nextStep: 'report this with the output of `npx cifar10-torch doctor --json`',
  };
}

/** The message of an error, which ends with its next step, without that. */
export function withoutNextStep({
  message,
  nextStep,
}: {
  message: string;
  nextStep?: string | undefined;
}): string {
  return nextStep === undefined ? message : message.replace(`. Next step: ${nextStep}`, '');
}
