// Trains on the embedded sample for a few seconds: progress, a deadline, and what is left in the end.
import { TrainingStopped, train } from 'cifar10-torch';

const run = train({
  overrides: ['data_loading=sample', 'model=cnn', 'model.widths=[16,32]', 'training.epochs=3'],
  signal: AbortSignal.timeout(120_000),
});
try {
  for await (const event of run)
    if (event.type === 'epoch') console.error(`epoch ${event.epoch}: loss ${event.loss.toFixed(3)}`);
  const { checkpoint, test } = await run;
  console.error(`accuracy on the sample's test images: ${(100 * test.accuracy).toFixed(1)} %`);
  console.log(checkpoint);
} catch (error) {
  // A training that ran out of time has lost nothing: `train({ resume: error.runDir })` goes on with it.
  if (!(error instanceof TrainingStopped)) throw error;
  console.error(`stopped after step ${error.step} of ${error.steps}; go on with ${error.runDir}`);
  process.exitCode = 1;
}
