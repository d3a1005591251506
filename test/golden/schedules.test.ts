// Learning rates step by step against torch.optim.lr_scheduler (scripts/golden/schedules.py).
import { expect, test } from 'vitest';
import { loadNative } from '../../lib/native.js';
import { configOf, readModel, readSchedules, relativeError } from './values.js';

const { model } = readModel('cnn');

test.each(readSchedules().map((table) => [JSON.stringify(table.schedule), table.steps, table] as const))(
  '%s in %i steps',
  (_name, _steps, { schedule, steps, steps_per_epoch, factors }) => {
    const config = configOf(model, { schedule });
    const found = loadNative().lrFactors(config.training.schedule, steps, steps_per_epoch);
    // float64 on both sides; PyTorch multiplies from step to step, which rounds at each of them.
    expect(relativeError(found, factors)).toBeLessThan(1e-9);
  },
);
