// Owns the list of what other parts of the package may use of lib/libtorch: exports only, no logic.
export { DRIVER_FILE, type Driver, findDriver } from './driver.js';
export { runtimeLibraries } from './folder.js';
export { type InstallOptions, installLibtorch } from './install.js';
export type { InstallProgress } from './install-task.js';
export { libraryNames } from './library-names.js';
export { type LocatedLibtorch, type LocateOptions, locateLibtorch } from './locate.js';
export { NO_DEVICES, queryGpus } from './nvidia-smi.js';
export { assertCanLoad, assertPlatformSupported, currentPlatform, type Platform } from './platform.js';
export { isDriverEnough, oldestDriver, type VariantChoice, variantFor } from './variant.js';
export { BUILD_VERSION, haveSameAbi, type TorchVersion } from './version.js';
