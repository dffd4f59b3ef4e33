//! Several processes that train one model.

#[path = "../common/clips.rs"]
mod clips;
#[path = "../common/command.rs"]
mod command;
#[path = "../common/settings.rs"]
mod settings;

mod ranks_agree;
mod ranks_learn_alike;
mod ranks_share_batches;
