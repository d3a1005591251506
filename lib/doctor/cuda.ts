// Owns the check of NVIDIA devices: which there are by nvidia-smi, whether LibTorch fits their driver, and whether training
// can use them.
// Must not load CUDA: the trial of the addon tells what LibTorch can use.
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { type ChildOptions, type ChildResult, describeEnd, excerpt } from '../child.js';
import {
  DRIVER_FILE,
  type Driver,
  isDriverEnough,
  type LocatedLibtorch,
  libraryNames,
  NO_DEVICES,
  oldestDriver,
  queryGpus,
  runtimeLibraries,
  variantFor,
} from '../libtorch/index.js';
import type { Finding } from './check.js';
import type { AddonAnswer } from './probe-answer.js';
import { gib, MIB } from './units.js';

const FIELDS = ['name', 'memory.total', 'driver_version'];

export interface CudaDevice {
  name: string;
  /** `undefined` where it shares the machine's memory. */
  memoryBytes: number | undefined;
  driverVersion: string;
  /** `undefined` where nvidia-smi does not say. */
  computeCapability: number | undefined;
}

export interface CudaUse {
  /** `undefined` where no LibTorch was found. */
  isCudaLibtorch: boolean | undefined;
  /** What LibTorch was compiled for: `cpu`, `cu130`. */
  variant: string | undefined;
  /** Whether it was named, so that an installed one would not be used. */
  isNamed: boolean;
  /** `undefined` where the addon could not be tried. */
  answer: AddonAnswer | undefined;
  /** The environment variable CUDA_VISIBLE_DEVICES. */
  visibleDevices: string | undefined;
}

export async function checkCuda(
  libtorch: LocatedLibtorch | undefined,
  answer: AddonAnswer | undefined,
  options: ChildOptions,
): Promise<Finding> {
  const answered = await queryGpus(FIELDS, options);
  const { end, stdout } = answered;
  const devices = end.kind === 'exited' && end.exitCode === 0 ? parseDevices(stdout) : [];
  if (devices.length === 0) return judgeAbsence(answered, existsSync(DRIVER_FILE), answer);
  const libraries = libtorch && runtimeLibraries(libtorch.path);
  return judgeDevices(devices, {
    isCudaLibtorch: libraries?.some((path) => libraryNames().cuda.includes(basename(path))),
    variant: libtorch?.variant,
    isNamed: libtorch?.source === 'environment' || libtorch?.source === 'option',
    answer,
    visibleDevices: process.env.CUDA_VISIBLE_DEVICES,
  });
}

/** A machine without a device is as good as any other; one that was set up for a device and has none is not. */
export function judgeAbsence(
  { end, stdout, stderr }: ChildResult,
  hasDriver: boolean,
  answer: AddonAnswer | undefined,
): Finding {
  const details = { devices: [], isUsable: answer?.hasCuda };
  if (answer?.hasCuda) return { status: 'ok', found: `used as ${answer.device}`, details };
  const isNone =
    end.kind === 'exited' ? end.exitCode === 0 || end.exitCode === NO_DEVICES : end.kind === 'not started';
  if (isNone && !hasDriver)
    return { status: 'ok', found: 'no NVIDIA device: training uses the processor', details };
  const said = excerpt(stdout + stderr);
  const found = `${hasDriver ? 'an NVIDIA driver, but ' : ''}nvidia-smi ${describeEnd(end)}${said && `: ${said}`}`;
  // The host's driver shows in containers that were given no device.
  const nextStep =
    end.kind === 'not started' ? 'start the container with `--gpus all`' : 'install the NVIDIA driver again';
  return { status: 'warning', found, nextStep, details };
}

/** Reads the lines `name, MiB, driver version, compute capability`; old drivers do not tell the last one. */
export function parseDevices(csv: string): CudaDevice[] {
  return csv.split('\n').flatMap((line) => {
    const [, name, mebibytes, driverVersion, capability] =
      /^\s*(.+), ([^,]+), (\d{3,}(?:\.\d+)+)(?:, ([^,]+?))?\s*$/.exec(line) ?? [];
    if (name === undefined || driverVersion === undefined) return [];
    const memoryBytes = finite(Number(mebibytes) * MIB);
    return { name, memoryBytes, driverVersion, computeCapability: finite(Number(capability)) };
  });
}

function finite(number: number): number | undefined {
  return Number.isFinite(number) ? number : undefined;
}

export function judgeDevices(devices: readonly CudaDevice[], use: CudaUse): Finding {
  const { isCudaLibtorch, answer, visibleDevices, variant = 'cpu' } = use;
  const found = describe(devices);
  const driver = driverOf(devices);
  const isDriverNewEnough = isCudaLibtorch ? isDriverEnough(driver, variant) : undefined;
  const details = {
    devices,
    isUsable: answer?.hasCuda,
    usableCount: answer?.cudaDeviceCount,
    isDriverNewEnough,
  };
  const warning = (reason: string, nextStep: string): Finding => {
    return { status: 'warning', found: `${found}; ${reason}`, nextStep, details };
  };
  if (isCudaLibtorch === false)
    return warning('not used: LibTorch is one for the processor', stepToCuda(driver, use));
  if (answer?.hasCuda) return { status: 'ok', found: `${found}; used as ${answer.device}`, details };
  if (isDriverNewEnough === false)
    return warning(
      `the driver is too old for LibTorch (${variant}), which needs ${oldestDriver(variant)} or newer`,
      stepToCuda(driver, use),
    );
  if (answer === undefined) return { status: 'ok', found: `${found}; not tried with LibTorch`, details };
  if (visibleDevices !== undefined && /^(-.*)?$/.test(visibleDevices))
    return warning(`hidden by CUDA_VISIBLE_DEVICES="${visibleDevices}"`, 'run `unset CUDA_VISIBLE_DEVICES`');
  return warning(
    'LibTorch cannot use it',
    "update the NVIDIA driver to one for this LibTorch's CUDA version",
  );
}

/** A folder that was named stays the one that is used, whatever is installed. */
function stepToCuda(driver: Driver, { isNamed }: CudaUse): string {
  const fitting = variantFor(driver);
  if (fitting === 'cpu')
    return 'update the NVIDIA driver: `docs/installation.md` lists which CUDA needs which';
  if (isNamed) return 'set `LIBTORCH=<folder of a CUDA LibTorch>`';
  return `run \`npx cifar10-torch install-runtime --variant ${fitting}\``;
}

function driverOf(devices: readonly CudaDevice[]): Driver {
  const gpus = devices.flatMap(({ computeCapability }) => computeCapability ?? []);
  return { version: devices[0]?.driverVersion, gpus };
}

/** Equal devices as one: `8 x NVIDIA H100, 79.6 GiB, driver 550.54.15`. */
function describe(devices: readonly CudaDevice[]): string {
  const counts = new Map<string, number>();
  for (const { name, memoryBytes, driverVersion } of devices) {
    const memory = memoryBytes === undefined ? '' : `, ${gib(memoryBytes)}`;
    const text = `${name}${memory}, driver ${driverVersion}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => (count > 1 ? `${count} x ${text}` : text)).join('; ');
}
