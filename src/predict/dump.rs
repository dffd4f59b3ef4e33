//! The model's inputs and outputs of every row, to compare with another program.

use crate::error::Result;
use crate::files::Tensors;
use crate::loader::Batch;
use crate::model::read_tensor;
use crate::scores::Evaluator;
use std::path::Path;

/// Rows of a dump, gathered clip by clip.
#[derive(Default)]
pub(super) struct Dump {
    x: Vec<f32>,
    temporal: Vec<f32>,
    spatial: Vec<f32>,
    fused: Vec<f32>,
    shape: [usize; 4],
}

impl Dump {
    /// Adds the rows of a batch.
    pub(super) fn add(&mut self, evaluator: &Evaluator<'_>, batch: &Batch) -> Result<()> {
        for outputs in evaluator.outputs(batch) {
            self.temporal.extend(read_tensor(outputs.temporal)?);
            self.spatial.extend(read_tensor(outputs.spatial)?);
            self.fused.extend(read_tensor(outputs.fused)?);
        }
        self.x.extend(&batch.x);
        let rows = self.shape[0] + batch.len();
        self.shape = [rows, batch.frames, batch.joints, batch.channels];
        Ok(())
    }

    /// Writes `x` [rows, T, J, C] and the scores `temporal`, `spatial` and `fused` [rows, K] as safetensors.
    pub(super) fn write(self, path: &Path, classes: usize) -> Result<()> {
        let scores = vec![self.shape[0], classes];
        let tensors = [
            ("x", self.shape.to_vec(), self.x),
            ("temporal", scores.clone(), self.temporal),
            ("spatial", scores.clone(), self.spatial),
            ("fused", scores, self.fused),
        ];
        let mut file = Tensors::default();
        for (name, shape, values) in tensors {
            file.tensors.insert(name.into(), (shape, values));
        }
        file.write(path)
    }
}
