//! What one sees. Each component's style stands in the file of the same name under `style/`.

pub mod account_menu;
pub mod avatar;
pub mod composer;
pub mod connection_banner;
pub mod conversation_list;
pub mod form_error;
pub mod icon;
pub mod key_warning;
pub mod logo;
pub mod message_view;
pub mod needs_script;
pub mod notice_bar;
pub mod opening;
pub mod password_field;
pub mod password_rules;
pub mod people_panel;
pub mod people_picker;
pub mod public_frame;
pub mod recovery_key_step;
pub mod safety_number;
pub mod thread;
