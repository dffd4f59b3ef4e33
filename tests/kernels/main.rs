//! The LSTM kernels: shaders, their twins, the CPU engine and PyTorch agree; every shader translates.

#[path = "../common/command.rs"]
mod command;
#[path = "../common/devices.rs"]
mod devices;
#[path = "../common/emulated_text.rs"]
mod emulated_text;
#[path = "../common/emulation.rs"]
mod emulation;
#[path = "../common/layers.rs"]
mod layers;
#[path = "../common/numerics.rs"]
mod numerics;
#[path = "../common/settings.rs"]
mod settings;

mod bench_floor;
mod every_shader_has_a_twin;
mod lstm_extremes;
mod lstm_final_state;
mod lstm_matches_burn;
mod lstm_matches_pytorch;
mod lstm_refusals;
mod mixed_precision;
mod plans_say_why;
mod product_matches_twin;
mod same_step_in_pieces;
mod shaders_match_twins;
mod twins_match_finite_differences;
mod units_match_twins;
mod wrong_path_is_noticed;
