//! From prepared clips to the inputs of the model: protocols, sampling, transforms, batches.

#[path = "../common/clips.rs"]
mod clips;
#[path = "../common/npy.rs"]
mod npy;
#[path = "../common/settings.rs"]
mod settings;
#[path = "../common/skeleton_text.rs"]
mod skeleton_text;

mod actor_choice;
mod augmentation_as_set;
mod earlier_settings;
mod inputs_add_up;
mod inputs_are_finite;
mod loader_repeats;
mod only_training_clips_decide;
mod own_clips_make_batches;
mod paper_as_printed;
mod protocol_counts;
mod reference_preparation;
mod sampling_stays_in_range;
mod settings_by_dataset;
mod small_sets_train_on_everything;
mod transforms_keep_bones;
