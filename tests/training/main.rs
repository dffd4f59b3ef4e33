//! Training itself: model, losses, optimisers and devices agree with PyTorch and with each other.

#[path = "../common/clips.rs"]
mod clips;
#[path = "../common/command.rs"]
mod command;
#[path = "../common/devices.rs"]
mod devices;
#[path = "../common/diverging.rs"]
mod diverging;
#[path = "../common/events.rs"]
mod events;
#[path = "../common/golden.rs"]
mod golden;
#[path = "../common/kill_at.rs"]
mod kill_at;
#[path = "../common/numerics.rs"]
mod numerics;
#[path = "../common/python.rs"]
mod python;
#[path = "../common/runs.rs"]
mod runs;
#[path = "../common/settings.rs"]
mod settings;

mod devices_agree;
mod diverging_run;
mod edited_weights;
mod export_round_trip;
mod memory_is_estimated;
mod model_matches_pytorch;
mod optimisers_match_pytorch;
mod own_data_in_memory;
mod same_number_twice;
mod tensorboard_events;
mod training_matches_pytorch;
