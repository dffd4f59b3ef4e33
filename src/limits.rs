//! Size limits of inputs. Larger inputs are refused by name before they take memory or time. `src/formats/README.md`
//! lists the limits for users.

/// Bytes of a settings file (`--config`, a run's `config.toml`): 1 MiB.
pub const SETTINGS_BYTES: u64 = 1 << 20;

/// Bytes of a run's `checksums.json`: 16 MiB, some hundred thousand files.
pub const CHECKSUMS_BYTES: u64 = 16 << 20;

/// Bytes of a file of measurements (`sinew bench table`): 16 MiB.
pub const RESULTS_BYTES: u64 = 16 << 20;

/// Bytes of `manifest.json`: 1 GiB, some two and a half million clips. Reading takes about three times its size.
pub const MANIFEST_BYTES: u64 = 1 << 30;

/// Bytes of a file of a run that is read whole: lines of epochs, events of steps, the report. 2 GiB, some ten million
/// steps.
pub const RUN_FILE_BYTES: u64 = 2 << 30;

/// Bytes of the JSON header of a safetensors file: 64 MiB.
pub const HEADER_BYTES: u64 = 64 << 20;

/// Tensors of a safetensors file. The largest model has some 14,000 parameters, and a checkpoint three tensors for each.
pub const TENSORS: usize = 65_536;

/// Dimensions of a tensor.
pub const DIMENSIONS: usize = 8;

/// Classes of prepared data and of weights.
pub const CLASSES: usize = 65_536;

/// Classes up to which a confusion matrix is written as JSON, class by class.
pub const CONFUSION_CLASSES: usize = 1_024;

/// Classes up to which a report page draws the confusion matrix.
pub const DRAWN_CLASSES: usize = 200;

/// Classes that a report page lists, the worst first.
pub const LISTED_CLASSES: usize = 1_000;

/// Epochs that the curves and the table of a report page show; more are thinned out evenly.
pub const SHOWN_EPOCHS: usize = 2_000;

/// Characters of a name in a table or on a page.
pub const NAME_CHARACTERS: usize = 80;
