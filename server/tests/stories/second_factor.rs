//! A code at the door.

use protocol::{
    account::Login,
    profile::FetchProfile,
    refusal::Code,
    second_factor::{DisableTotp, SecondFactorCode},
};

use crate::{authenticator::Authenticator, people::Member, process::Server};

#[tokio::test]
async fn a_code_is_asked_for_at_sign_in_and_is_good_once() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let (mut authenticator, codes) = Authenticator::set_up(&alice).await;
    let login = async |code: Option<SecondFactorCode>| {
        server.client().call(Login { code, ..alice.person.login() }).await
    };
    let refusal = login(None).await.unwrap_err();
    assert_eq!((refusal.code, refusal.code.status()), (Code::SecondFactorRequired, 401));
    let refusal = login(Some(authenticator.used())).await.unwrap_err();
    assert_eq!(refusal.code, Code::WrongCode, "the code of the set-up is used up");
    login(Some(authenticator.next())).await.unwrap();
    assert_eq!(login(Some(authenticator.used())).await.unwrap_err().code, Code::WrongCode);

    let recovery = SecondFactorCode::Recovery(codes.codes[3].clone());
    login(Some(recovery.clone())).await.unwrap();
    assert_eq!(login(Some(recovery)).await.unwrap_err().code, Code::WrongCode);
    let profile = alice.client.call(FetchProfile {}).await.unwrap();
    assert_eq!(profile.recovery_codes_left, 9);
    assert!(profile.second_factor_since_ms.is_some());

    let mut proof = alice.person.proof();
    proof.code = Some(authenticator.next());
    alice.client.call(DisableTotp { proof }).await.unwrap();
    login(None).await.unwrap();
}

#[tokio::test]
async fn the_operator_helps_who_lost_the_authenticator() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let (_, _) = Authenticator::set_up(&alice).await;
    let told = server.admin(&["remove-2fa", "alice"]);
    assert_eq!((told.code, told.out.as_str()), (Some(0), ""), "{told:?}");
    server.client().call(alice.person.login()).await.unwrap();
    assert_eq!(alice.client.call(FetchProfile {}).await.unwrap_err().code, Code::NotSignedIn);
    let told = server.admin(&["remove-2fa", "alice"]);
    assert!(told.code == Some(0) && told.err.contains("nothing was changed"), "{told:?}");
}

#[tokio::test]
async fn wrong_codes_are_slowed_down_and_a_restart_does_not_help() {
    let mut server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let (authenticator, _) = Authenticator::set_up(&alice).await;
    let login = async |server: &Server| {
        let login = Login { code: Some(authenticator.used()), ..alice.person.login() };
        server.client().call(login).await.unwrap_err()
    };
    let mut wrong = 0;
    let refusal = loop {
        let refusal = login(&server).await;
        match refusal.code {
            Code::WrongCode => wrong += 1,
            _ => break refusal,
        }
    };
    assert_eq!((wrong, refusal.code), (5, Code::TooManyRequests));
    server.kill_and_restart();
    let refusal = login(&server).await;
    assert_eq!(refusal.code, Code::TooManyRequests);
    assert!(refusal.retry_after_s.unwrap() > 60, "{refusal:?}");
}
