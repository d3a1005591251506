#include "training/divergence.h"

#include <cmath>
#include <sstream>

namespace cifar10 {

Error diverged(const std::string& figure, double value, int64_t step, double lr, double share) {
  std::ostringstream message;
  message << "the training diverged at step " << step << ", at a learning rate of " << lr << " ("
          << std::round(share * 1000) / 10 << " % of its peak): expected a finite " << figure << ", found "
          << value;
  return {"TRAINING_DIVERGED", message.str(),
          "lower the learning rates under training.optimizer, or set training.gradient_clip_norm"};
}

}  // namespace cifar10
