//! What one sees. Each component's style stands in the file of the same name under `style/`.

pub mod avatar;
pub mod form_error;
pub mod icon;
pub mod logo;
pub mod needs_script;
pub mod password_field;
pub mod password_rules;
pub mod public_frame;
pub mod recovery_key_step;
