// Owns the list of what lib/doctor offers. Exports only.
export type { DoctorCheck } from './check.js';
export { type DoctorOptions, type DoctorReport, doctor } from './doctor.js';
