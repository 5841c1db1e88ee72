use protocol::password;

use super::reset::new_password;
use crate::terminal::{
    desk::Desk,
    ending::Problem,
    say::{data, talk},
};

/// The password changes.
pub(super) async fn run(desk: &mut Desk) -> Result<(), Problem> {
    let account = desk.account().await?;
    let new = new_password(&desk.options)?;
    password::check(&new, Some(&account.me().username))?;
    talk("Password meets complexity requirements ✔");
    talk("Now your password of today:");
    desk.confirmed(async |confirmation| account.change_password(confirmation, &new).await).await?;
    desk.take_password(&new).await?;
    data("Password changed. All other sessions have ended.")
}
