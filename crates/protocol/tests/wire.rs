//! The wire, pinned: paths, JSON, codes. What changes here changes for every client that is out there.

mod examples;

use std::{collections::BTreeMap, fmt::Debug};

use examples::{Visitor, visit_every_call};
use insta::assert_snapshot;
use protocol::{
    Call, Code, Refusal,
    call::{EVENTS_PATH, PATHS},
    content::{Content, TextRefused},
    id::{AccountId, MessageId},
    limits,
    mailbox::MAILBOX_EVENT,
    session::SESSIONS_EVENT,
};
use serde_json::{Value, json};

#[test]
fn every_call_on_the_wire() {
    struct Written(Vec<String>);

    impl Visitor for Written {
        fn visit<C: Call<Answer: Debug> + Debug>(&mut self, request: C, answer: C::Answer) {
            let [request, answer] =
                [serde_json::to_value(request), serde_json::to_value(answer)].map(Result::unwrap);
            let read: C = serde_json::from_value(request.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), request, "{} is read back", C::PATH);
            let read: C::Answer = serde_json::from_value(answer.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), answer, "the answer of {} is read back", C::PATH);
            self.0.push(format!("POST {}\n  {}\n  {}", C::PATH, shortened(request), shortened(answer)));
        }
    }

    let mut written = Written(Vec::new());
    visit_every_call(&mut written);
    // A reset is shown twice: with its keys kept, and replaced.
    assert_eq!(written.0.len(), PATHS.len() + 1);
    assert_snapshot!(written.0.join("\n"), @r#"
    POST /fn/account/prelogin
      {"username":"alice"}
      {"kdf":"AQAJJ8BaWlpaWlpaWlpaWlpaWlpa"}
    POST /fn/account/register
      {"account":"oaGhoaGhoaGhoaGhoaGhoQ","auth_key":"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo","device_name":"Firefox on Linux","email":"alice@example.org","identity":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w","invite":"Hx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8","kdf":"AQAJJ8BaWlpaWlpaWlpaWlpaWlpa","prekey":"AQEAAAABAAAA… (1726)","username":"alice","vault":[{"key_id":"","kind":"identity","sealed":"Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5e"}],"wrapped_by_password":"AQF3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c","wrapped_by_recovery_key":"AQJ3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"}
      {"account":"oaGhoaGhoaGhoaGhoaGhoQ","kdf":"AQAJJ8BaWlpaWlpaWlpaWlpaWlpa","mailbox_end":0,"session":"VVVVVVVVVVVVVVVVVVVVVQ","token":"header.claims.signature","unlock_half":"ERERERERERERERERERERERERERERERERERERERERERE","username":"alice","wrapped_by_password":"AQF3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"}
    POST /fn/session/login
      {"auth_key":"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo","code":"123456","device_name":"Firefox on Linux","username":"alice"}
      {"account":"oaGhoaGhoaGhoaGhoaGhoQ","kdf":"AQAJJ8BaWlpaWlpaWlpaWlpaWlpa","mailbox_end":7,"session":"VVVVVVVVVVVVVVVVVVVVVQ","token":"header.claims.signature","unlock_half":"ERERERERERERERERERERERERERERERERERERERERERE","username":"alice","wrapped_by_password":"AQF3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"}
    POST /fn/session/current
      {}
      {"account":"oaGhoaGhoaGhoaGhoaGhoQ","kdf":"AQAJJ8BaWlpaWlpaWlpaWlpaWlpa","mailbox_end":7,"session":"VVVVVVVVVVVVVVVVVVVVVQ","unlock_half":"ERERERERERERERERERERERERERERERERERERERERERE","username":"alice"}
    POST /fn/session/logout
      {}
      {}
    POST /fn/session/list
      {}
      {"sessions":[{"created_at_ms":1790000000000,"current":true,"device":"0dHR0dHR0dHR0dHR0dHR0Q","device_name":"Firefox on Linux","last_seen_at_ms":1790000060000,"session":"VVVVVVVVVVVVVVVVVVVVVQ"}]}
    POST /fn/session/end
      {"session":"VVVVVVVVVVVVVVVVVVVVVQ"}
      {"ended":1}
    POST /fn/session/end-others
      {}
      {"ended":3}
    POST /fn/session/unlock
      {"proof":{"auth_key":"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"}}
      {"account":"oaGhoaGhoaGhoaGhoaGhoQ","kdf":"AQAJJ8BaWlpaWlpaWlpaWlpaWlpa","mailbox_end":7,"session":"VVVVVVVVVVVVVVVVVVVVVQ","unlock_half":"ERERERERERERERERERERERERERERERERERERERERERE","username":"alice","wrapped_by_password":"AQF3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"}
    POST /fn/account/profile
      {}
      {"created_at_ms":1790000000000,"email":"alice@example.org","login_mails":true,"pending_email":"alice@example.net","recovery_codes_left":10,"recovery_key_made_at_ms":1790000000000,"sealed_vaults":[{"kdf":"AQAJJ8BbW1tbW1tbW1tbW1tbW1tb","number":1,"sealed_at_ms":1790000000000}],"second_factor_since_ms":1790000000000,"username":"alice"}
    POST /fn/account/change-password
      {"auth_key":"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s","kdf":"AQAJJ8BbW1tbW1tbW1tbW1tbW1tb","proof":{"auth_key":"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo","code":"K7QD-2M9X-K7QD-2M9X-K7QD-2M9X"},"wrapped_by_password":"AQF3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"}
      {}
    POST /fn/account/change-email
      {"email":"alice@example.org","proof":{"auth_key":"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo","code":"K7QD-2M9X-K7QD-2M9X-K7QD-2M9X"}}
      {}
    POST /fn/account/confirm-email
      {"token":"Ly8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8"}
      {"email":"alice@example.org","username":"alice"}
    POST /fn/account/login-mails
      {"login_mails":false}
      {}
    POST /fn/account/recovery-wrap
      {}
      {"wrapped_by_recovery_key":"AQJ3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"}
    POST /fn/account/change-recovery-key
      {"proof":{"auth_key":"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo","code":"K7QD-2M9X-K7QD-2M9X-K7QD-2M9X"},"wrapped_by_recovery_key":"AQJ3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"}
      {}
    POST /fn/account/delete
      {"proof":{"auth_key":"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo","code":"K7QD-2M9X-K7QD-2M9X-K7QD-2M9X"}}
      {}
    POST /fn/second-factor/begin
      {"proof":{"auth_key":"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"}}
      {"secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","uri":"otpauth://totp/Secure%20Messaging:alice?secret=…"}
    POST /fn/second-factor/enable
      {"code":"123456"}
      {"codes":["9X7M-YKTF-9X7M-YKTF-9X7M-YKTF"]}
    POST /fn/second-factor/disable
      {"proof":{"auth_key":"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo","code":"K7QD-2M9X-K7QD-2M9X-K7QD-2M9X"}}
      {}
    POST /fn/second-factor/renew-codes
      {"proof":{"auth_key":"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo","code":"K7QD-2M9X-K7QD-2M9X-K7QD-2M9X"}}
      {"codes":["9X7M-YKTF-9X7M-YKTF-9X7M-YKTF"]}
    POST /fn/reset/forgot
      {"email":"alice@example.org"}
      {}
    POST /fn/reset/check
      {"token":"Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8"}
      {"account":"oaGhoaGhoaGhoaGhoaGhoQ","identity_row":{"key_id":"","kind":"identity","sealed":"Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5e","version":1},"prekey":"AQEAAAABAAAA… (1726)","second_factor":true,"username":"alice","wrapped_by_recovery_key":"AQJ3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"}
    POST /fn/reset/redeem
      {"auth_key":"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s","code":"123456","kdf":"AQAJJ8BbW1tbW1tbW1tbW1tbW1tb","keys":{"keep":{"proof":"b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vbw"}},"token":"Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8","wrapped_by_password":"AQF3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"}
      {"username":"alice"}
    POST /fn/reset/redeem
      {"auth_key":"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s","kdf":"AQAJJ8BbW1tbW1tbW1tbW1tbW1tb","keys":{"replace":{"identity":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w","prekey":"AQEAAAABAAAA… (1726)","vault":[{"key_id":"","kind":"identity","sealed":"Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5e"}],"wrapped_by_recovery_key":"AQJ3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"}},"token":"Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8_Pz8","wrapped_by_password":"AQF3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"}
      {"username":"alice"}
    POST /fn/server/policy
      {}
      {"mail":true,"registration":"invite"}
    POST /fn/directory/users
      {"after":"albert","prefix":"al"}
      {"more":false,"users":[{"account":"oaGhoaGhoaGhoaGhoaGhoQ","username":"alice"}]}
    POST /fn/directory/keys
      {"accounts":["oaGhoaGhoaGhoaGhoaGhoQ","oqKioqKioqKioqKioqKiog"]}
      {"bundles":[{"account":"oaGhoaGhoaGhoaGhoaGhoQ","identity":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w","log_head":"ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY","log_length":2,"prekey":"AQEAAAABAAAA… (1726)","prekey_at_ms":1790000000000,"username":"alice"}],"deleted":["oqKioqKioqKioqKioqKiog"]}
    POST /fn/device/append
      {"entry":"AQAAAAEAAAAA… (211)"}
      {}
    POST /fn/device/logs
      {"logs":[{"account":"oaGhoaGhoaGhoaGhoaGhoQ","after":0,"identity":"6Ehm9VF1srYL3FBEABwCq53OBtz2wfU7g2axsFxOZh0"}]}
      {"logs":[["AQAAAAEAAAAA… (211)"]]}
    POST /fn/prekeys/publish
      {"device":["AQMAAAABAAAA… (1726)"],"one_time":["AQIAAAABAAAA… (1726)"],"replace":true,"signed":"AQEAAAABAAAA… (1726)"}
      {}
    POST /fn/prekeys/status
      {"archived_to":4}
      {"device":"0dHR0dHR0dHR0dHR0dHR0Q","device_left":100,"device_outstanding":[100],"first_unarchived":5,"last_device":100,"last_one_time":100,"now_ms":1790000000456,"one_time_left":93,"one_time_outstanding":[99,100],"signed":"AQEAAAABAAAA… (1726)","signed_at_ms":1790000000000}
    POST /fn/prekeys/claim
      {"accounts":["oaGhoaGhoaGhoaGhoaGhoQ"],"of_devices":false}
      {"prekeys":[{"account":"oaGhoaGhoaGhoaGhoaGhoQ","prekey":"AQIAAAABAAAA… (1726)"}]}
    POST /fn/mailbox/send
      {"archived":{"epoch":"d3d3d3d3d3d3d3d3d3d3dw","sealed":"eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"},"envelope":"AQEBAQEBAQEB… (4000)"}
      {"cursor":8,"hash":"REREREREREREREREREREREREREREREREREREREREREQ","message":"MzMzMzMzMzMzMzMzMzMzMw","received_at_ms":1790000000123}
    POST /fn/mailbox/page
      {"after":7,"limit":200}
      {"end":8,"items":[{"cursor":8,"received_at_ms":1790000000123,"seal":"AgICAgICAgIC… (1558)","shared":"AQEBAQEBAQEB… (880)"}],"now_ms":1790000000456}
    POST /fn/mailbox/history
      {"before":8,"limit":200}
      {"end":8,"items":[{"archived":{"epoch":"d3d3d3d3d3d3d3d3d3d3dw","sealed":"eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"},"cursor":7,"received_at_ms":1790000000000,"seal":"","shared":"AQEBAQEBAQEB… (880)"}],"now_ms":1790000000456}
    POST /fn/mailbox/archive
      {"keys":[{"cursor":8,"key":{"epoch":"d3d3d3d3d3d3d3d3d3d3dw","sealed":"eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"},"message":"MzMzMzMzMzMzMzMzMzMzMw"}]}
      {}
    POST /fn/mailbox/erase
      {"for_everyone":false,"messages":["MzMzMzMzMzMzMzMzMzMzMw"]}
      {"erased":1}
    POST /fn/vault/rows
      {}
      {"rows":[{"key_id":"sLCwsLCwsLCwsLCwsLCwsA","kind":"pin","sealed":"Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXg","version":2}]}
    POST /fn/vault/put
      {"row":{"key_id":"sLCwsLCwsLCwsLCwsLCwsA","kind":"pin","sealed":"Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXg","version":2}}
      {}
    POST /fn/vault/sealed
      {"auth_key":"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s","number":1}
      {"rows":[{"key_id":"sLCwsLCwsLCwsLCwsLCwsA","kind":"pin","sealed":"Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXg","version":2}],"wrapped_by_password":"AQF3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c","wrapped_by_recovery_key":"AQJ3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c"}
    POST /fn/vault/drop-sealed
      {"number":1,"proof":"b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb29vbw"}
      {}
    "#);
}

/// Long texts by their beginning and their length, fields in the order of their names.
fn shortened(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > 90 => format!("{}… ({})", &text[..12], text.len()).into(),
        Value::Array(items) => items.into_iter().map(shortened).collect(),
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.into_iter().collect();
            sorted.into_iter().map(|(name, value)| (name, shortened(value))).collect()
        }
        other => other,
    }
}

#[test]
fn paths_and_events() {
    assert_snapshot!(format!("{}\n{EVENTS_PATH} {MAILBOX_EVENT} {SESSIONS_EVENT}", PATHS.join("\n")), @r"
    /fn/account/prelogin
    /fn/account/register
    /fn/session/login
    /fn/session/current
    /fn/session/logout
    /fn/session/list
    /fn/session/end
    /fn/session/end-others
    /fn/session/unlock
    /fn/account/profile
    /fn/account/change-password
    /fn/account/change-email
    /fn/account/confirm-email
    /fn/account/login-mails
    /fn/account/recovery-wrap
    /fn/account/change-recovery-key
    /fn/account/delete
    /fn/second-factor/begin
    /fn/second-factor/enable
    /fn/second-factor/disable
    /fn/second-factor/renew-codes
    /fn/reset/forgot
    /fn/reset/check
    /fn/reset/redeem
    /fn/server/policy
    /fn/directory/users
    /fn/directory/keys
    /fn/device/append
    /fn/device/logs
    /fn/prekeys/publish
    /fn/prekeys/status
    /fn/prekeys/claim
    /fn/mailbox/send
    /fn/mailbox/page
    /fn/mailbox/history
    /fn/mailbox/archive
    /fn/mailbox/erase
    /fn/vault/rows
    /fn/vault/put
    /fn/vault/sealed
    /fn/vault/drop-sealed
    /events mailbox sessions
    ");
}

#[test]
fn codes_with_their_status_and_text() {
    let table: Vec<String> = Code::ALL
        .iter()
        .map(|code| format!("{} {} {}", code.status(), json!(code).as_str().unwrap(), code.message()))
        .collect();
    assert_snapshot!(table.join("\n"), @r"
    400 invalid_request The request is not valid
    400 invalid_envelope The envelope is not valid
    400 invalid_keys The keys are not valid
    401 not_signed_in Sign in first
    401 wrong_credentials Wrong username or password
    401 second_factor_required Enter the code of your authenticator
    401 wrong_code Invalid TOTP token
    400 invalid_token This link is not valid any more: ask for a new one
    400 token_expired Reset token has expired
    403 cross_site This request comes from another site
    403 not_the_sender An envelope is sent by the account that signed it
    403 registration_closed This server takes no new accounts
    403 invite_required An account on this server takes an invitation: ask who runs it for a link
    404 not_found Not found
    404 unknown_recipient Recipient not found
    405 method_not_allowed This path is called with another method
    409 username_taken User already exists
    409 account_taken This account id is in use: draw another
    409 message_conflict Another message was sent under this id
    409 stale_keys The keys of a recipient have changed
    409 second_factor_conflict The second factor was changed elsewhere: look at your settings again
    409 version_conflict This row was changed elsewhere meanwhile
    413 too_large The request is too large
    415 wrong_media_type The body must be application/json
    429 quota_exceeded A limit of this account is reached
    429 too_many_requests Too many attempts: wait a little
    500 internal Something went wrong on the server: nothing was lost, try again
    503 busy The server is busy: try again in a moment
    503 mail_unavailable This server cannot send mail: ask who runs it for a link
    503 store_unavailable The server cannot store anything at the moment: try again in a moment
    ");
}

#[test]
fn refusals_on_the_wire() {
    let plain = Refusal::new(Code::NotFound);
    let full =
        Refusal { request_id: Some("r1".to_owned()), ..Refusal::because(Code::Busy, "Wait").retry_after(2) }
            .about(vec![AccountId::from_bytes([0xa1; 16])]);
    assert_snapshot!(format!("{}\n{}", shortened(json!(plain)), shortened(json!(full))), @r#"
    {"code":"not_found","message":"Not found"}
    {"accounts":["oaGhoaGhoaGhoaGhoaGhoQ"],"code":"busy","message":"Wait","request_id":"r1","retry_after_s":2}
    "#);
    for refusal in [plain, full] {
        assert_eq!(serde_json::from_value::<Refusal>(json!(refusal)).unwrap(), refusal);
        assert_eq!(refusal.to_string(), refusal.message);
    }
}

#[test]
fn a_refusal_of_a_later_version_is_still_read() {
    let later = r#"{"code":"on_the_moon","message":"Too far","colour":"red"}"#;
    let refusal: Refusal = serde_json::from_str(later).unwrap();
    assert_eq!((refusal.code, refusal.message.as_ref()), (Code::Unknown, "Too far"));
}

#[test]
fn content_on_the_wire() {
    let text = Content::text(" Grüße \n").unwrap();
    assert_eq!(json!(text), json!({ "type": "text", "text": "Grüße" }));
    let message = MessageId::from_bytes([0x33; 16]);
    for (content, on_the_wire) in [
        (Content::Timer { seconds: 300 }, json!({ "type": "timer", "seconds": 300 })),
        (Content::Timer { seconds: 0 }, json!({ "type": "timer", "seconds": 0 })),
        (Content::Delete { message }, json!({ "type": "delete", "message": "MzMzMzMzMzMzMzMzMzMzMw" })),
        (
            Content::Forget { messages: vec![message] },
            json!({ "type": "forget", "messages": ["MzMzMzMzMzMzMzMzMzMzMw"] }),
        ),
    ] {
        assert_eq!(json!(content), on_the_wire);
        assert_eq!(serde_json::from_value::<Content>(on_the_wire).unwrap(), content);
    }
    for wrong in [
        r#"{"type":"timer"}"#,
        r#"{"type":"timer","seconds":-1}"#,
        r#"{"type":"timer","seconds":4294967296}"#,
        r#"{"type":"timer","seconds":"300"}"#,
        r#"{"type":"delete","message":"MzMz"}"#,
        r#"{"type":"delete","messages":["MzMzMzMzMzMzMzMzMzMzMw"]}"#,
        r#"{"type":"forget","messages":"MzMzMzMzMzMzMzMzMzMzMw"}"#,
    ] {
        assert!(serde_json::from_str::<Content>(wrong).is_err(), "{wrong}");
    }
    let later = r#"{"type":"reaction","to":"x"}"#;
    assert_eq!(serde_json::from_str::<Content>(later).unwrap(), Content::Unknown);
    assert!(serde_json::from_str::<Content>(r#"{"text":"x"}"#).is_err());
    assert_eq!(Content::text(" \n"), Err(TextRefused::Empty));
    assert!(Content::text(&"x".repeat(limits::MAX_TEXT_BYTES)).is_ok());
    assert_eq!(Content::text(&"x".repeat(limits::MAX_TEXT_BYTES + 1)), Err(TextRefused::TooLong));
}

#[test]
fn the_limits_fit_into_each_other() {
    let worst = Content::text(&"\u{1}".repeat(limits::MAX_TEXT_BYTES)).unwrap();
    assert!(serde_json::to_vec(&worst).unwrap().len() <= limits::MAX_CONTENT_BYTES);
    let length = |request: Value| request.to_string().len();
    let archived = json!({ "epoch": "x".repeat(22), "sealed": "x".repeat(80) });
    let largest =
        limits::MAX_ENVELOPE_BYTES.div_ceil(3) * 4 + length(json!({ "envelope": "", "archived": archived }));
    assert!(largest <= limits::MAX_SEND_BODY_BYTES);
    let prekeys = vec!["x".repeat(1_726); limits::MAX_PREKEYS_AT_ONCE];
    let largest = json!({ "signed": prekeys[0], "one_time": prekeys, "device": prekeys, "replace": false });
    assert!(length(largest) <= limits::MAX_PUBLISH_BODY_BYTES);
    let log =
        json!({ "account": "x".repeat(22), "identity": "x".repeat(43), "after": limits::MAX_LOG_LENGTH });
    assert!(length(json!({ "logs": vec![log; limits::MAX_LOGS] })) <= limits::MAX_SMALL_BODY_BYTES);
    let messages = vec!["x".repeat(22); limits::MAX_PAGE_ITEMS as usize];
    let erased = json!({ "messages": messages, "for_everyone": false });
    assert!(length(erased) <= limits::MAX_SMALL_BODY_BYTES);
}

#[test]
fn what_is_secret_or_a_persons_own_does_not_print() {
    struct Printed(Vec<String>);

    impl Visitor for Printed {
        fn visit<C: Call<Answer: Debug> + Debug>(&mut self, request: C, answer: C::Answer) {
            self.0.push(format!("{request:?}\n{answer:?}"));
        }
    }

    let message = MessageId::from_bytes([0x33; 16]);
    let contents = [
        Content::text("Hello").unwrap(),
        Content::Timer { seconds: 300 },
        Content::Delete { message },
        Content::Forget { messages: vec![message] },
    ];
    let mut printed = Printed(contents.iter().map(|content| format!("{content:?}")).collect());
    visit_every_call(&mut printed);
    assert_snapshot!(printed.0.join("\n"), @r#"
    Text(..)
    Timer(..)
    Delete(..)
    Forget(..)
    Prelogin { username: Username(alice) }
    PreloginAnswer { kdf: KdfParams { iterations: 600000, salt: WlpaWlpaWlpaWlpaWlpaWg } }
    Register { account: oaGhoaGhoaGhoaGhoaGhoQ, username: alice, .. }
    SignedIn { account: oaGhoaGhoaGhoaGhoaGhoQ, username: alice, session: VVVVVVVVVVVVVVVVVVVVVQ, mailbox_end: 0, .. }
    Login { username: Username(alice), auth_key: AuthKey(..), code: Some(Totp(..)), device_name: "Firefox on Linux" }
    SignedIn { account: oaGhoaGhoaGhoaGhoaGhoQ, username: alice, session: VVVVVVVVVVVVVVVVVVVVVQ, mailbox_end: 7, .. }
    CurrentSession
    SignedIn { account: oaGhoaGhoaGhoaGhoaGhoQ, username: alice, session: VVVVVVVVVVVVVVVVVVVVVQ, mailbox_end: 7, .. }
    Logout
    LoggedOut
    ListSessions
    Sessions { sessions: [SessionInfo { session: SessionId(VVVVVVVVVVVVVVVVVVVVVQ), device_name: "Firefox on Linux", created_at_ms: 1790000000000, last_seen_at_ms: 1790000060000, device: Some(DeviceId(0dHR0dHR0dHR0dHR0dHR0Q)), current: true }] }
    EndSession { session: SessionId(VVVVVVVVVVVVVVVVVVVVVQ) }
    SessionsEnded { ended: 1 }
    EndOtherSessions
    SessionsEnded { ended: 3 }
    Unlock { proof: Proof { auth_key: AuthKey(..), code: None } }
    SignedIn { account: oaGhoaGhoaGhoaGhoaGhoQ, username: alice, session: VVVVVVVVVVVVVVVVVVVVVQ, mailbox_end: 7, .. }
    FetchProfile
    Profile { username: Username(alice), created_at_ms: 1790000000000, email: Some(EmailAddress(..)), pending_email: Some(EmailAddress(..)), login_mails: true, second_factor_since_ms: Some(1790000000000), recovery_codes_left: 10, recovery_key_made_at_ms: 1790000000000, sealed_vaults: [SealedVault { number: 1, sealed_at_ms: 1790000000000, kdf: KdfParams { iterations: 600000, salt: W1tbW1tbW1tbW1tbW1tbWw } }] }
    ChangePassword { proof: Proof { auth_key: AuthKey(..), code: Some(Recovery(..)) }, kdf: KdfParams { iterations: 600000, salt: W1tbW1tbW1tbW1tbW1tbWw }, auth_key: AuthKey(..), wrapped_by_password: WrappedAccountKey(..) }
    Changed
    ChangeEmail { proof: Proof { auth_key: AuthKey(..), code: Some(Recovery(..)) }, email: Some(EmailAddress(..)) }
    Changed
    ConfirmEmail { token: EmailToken(..) }
    EmailConfirmed { username: Username(alice), email: EmailAddress(..) }
    SetLoginMails { login_mails: false }
    Changed
    FetchRecoveryWrap
    RecoveryWrap { wrapped_by_recovery_key: WrappedAccountKey(..) }
    ChangeRecoveryKey { proof: Proof { auth_key: AuthKey(..), code: Some(Recovery(..)) }, wrapped_by_recovery_key: WrappedAccountKey(..) }
    Changed
    DeleteAccount { proof: Proof { auth_key: AuthKey(..), code: Some(Recovery(..)) } }
    Changed
    BeginTotp { proof: Proof { auth_key: AuthKey(..), code: None } }
    TotpBegun(..)
    EnableTotp { code: TotpCode(..) }
    RecoveryCodes { codes: [RecoveryCode(..)] }
    DisableTotp { proof: Proof { auth_key: AuthKey(..), code: Some(Recovery(..)) } }
    TotpDisabled
    RenewRecoveryCodes { proof: Proof { auth_key: AuthKey(..), code: Some(Recovery(..)) } }
    RecoveryCodes { codes: [RecoveryCode(..)] }
    ForgotPassword { email: EmailAddress(..) }
    MailRequested
    CheckReset { token: ResetToken(..) }
    ResetChecked { account: oaGhoaGhoaGhoaGhoaGhoQ, username: alice, second_factor: true, .. }
    RedeemReset { keys: Keep, .. }
    PasswordReset { username: Username(alice) }
    RedeemReset { keys: Replace, .. }
    PasswordReset { username: Username(alice) }
    FetchPolicy
    ServerPolicy { registration: Invite, mail: true }
    ListUsers { prefix: Some("al"), after: Some(Username(albert)) }
    Users { users: [User { account: AccountId(oaGhoaGhoaGhoaGhoaGhoQ), username: Username(alice) }], more: false }
    FetchKeys { accounts: [AccountId(oaGhoaGhoaGhoaGhoaGhoQ), AccountId(oqKioqKioqKioqKioqKiog)] }
    Keys { bundles: [KeyBundle { account: AccountId(oaGhoaGhoaGhoaGhoaGhoQ), username: Username(alice), identity: IdentityPublic(iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w), prekey: SignedPrekey { kind: Signed, id: 1, sequence: 1, .. }, prekey_at_ms: 1790000000000, log_length: 2, log_head: LogHash(ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY) }], deleted: [AccountId(oqKioqKioqKioqKioqKiog)] }
    AppendLog { entry: LogEntry { position: 1, change: Added(DeviceId(0dHR0dHR0dHR0dHR0dHR0Q), DevicePublic(ypOsFwUYcHHWe4PH_w7-gQjo7EUwV113JoeTM9vavnw)), .. } }
    LogAppended
    FetchLogs { logs: [LogAfter { account: AccountId(oaGhoaGhoaGhoaGhoaGhoQ), identity: Fingerprint(6Ehm9VF1srYL3FBEABwCq53OBtz2wfU7g2axsFxOZh0), after: 0 }] }
    Logs { logs: [[LogEntry { position: 1, change: Added(DeviceId(0dHR0dHR0dHR0dHR0dHR0Q), DevicePublic(ypOsFwUYcHHWe4PH_w7-gQjo7EUwV113JoeTM9vavnw)), .. }]] }
    PublishPrekeys { signed: Some(SignedPrekey { kind: Signed, id: 1, sequence: 1, .. }), one_time: [SignedPrekey { kind: OneTime, id: 1, sequence: 1, .. }], device: [SignedPrekey { kind: Device, id: 1, sequence: 1, .. }], replace: true }
    PrekeysPublished
    FetchPrekeyStatus { archived_to: Cursor(4) }
    PrekeyStatus { signed: SignedPrekey { kind: Signed, id: 1, sequence: 1, .. }, signed_at_ms: 1790000000000, one_time_left: 93, last_one_time: 100, device: Some(DeviceId(0dHR0dHR0dHR0dHR0dHR0Q)), device_left: 100, last_device: 100, one_time_outstanding: [PrekeyId(99), PrekeyId(100)], device_outstanding: [PrekeyId(100)], first_unarchived: Some(Cursor(5)), now_ms: 1790000000456 }
    ClaimPrekeys { accounts: [AccountId(oaGhoaGhoaGhoaGhoaGhoQ)], of_devices: false }
    ClaimedPrekeys { prekeys: [ClaimedPrekey { account: AccountId(oaGhoaGhoaGhoaGhoaGhoQ), device: None, prekey: SignedPrekey { kind: OneTime, id: 1, sequence: 1, .. } }] }
    Send { envelope: Binary(3000 bytes), archived: Some(ArchivedKey { epoch: EpochId(d3d3d3d3d3d3d3d3d3d3dw), sealed: Binary(60 bytes) }) }
    Sent { message: MessageId(MzMzMzMzMzMzMzMzMzMzMw), hash: EnvelopeHash(REREREREREREREREREREREREREREREREREREREREREQ), cursor: Cursor(8), received_at_ms: 1790000000123 }
    FetchPage { after: Cursor(7), limit: 200 }
    Page { items: [Item { cursor: Cursor(8), received_at_ms: 1790000000123, shared: Binary(660 bytes), seal: Binary(1168 bytes), archived: None }], end: Cursor(8), now_ms: 1790000000456 }
    FetchHistory { before: Cursor(8), limit: 200 }
    Page { items: [Item { cursor: Cursor(7), received_at_ms: 1790000000000, shared: Binary(660 bytes), seal: Binary(0 bytes), archived: Some(ArchivedKey { epoch: EpochId(d3d3d3d3d3d3d3d3d3d3dw), sealed: Binary(60 bytes) }) }], end: Cursor(8), now_ms: 1790000000456 }
    Archive { keys: [ArchivedPlace { cursor: Cursor(8), message: MessageId(MzMzMzMzMzMzMzMzMzMzMw), key: ArchivedKey { epoch: EpochId(d3d3d3d3d3d3d3d3d3d3dw), sealed: Binary(60 bytes) } }] }
    KeysArchived
    Erase { messages: [MessageId(MzMzMzMzMzMzMzMzMzMzMw)], for_everyone: false }
    Erased { erased: 1 }
    FetchRows
    Rows { rows: [Row { kind: Pin, key_id: Binary(16 bytes), version: 2, sealed: Binary(40 bytes) }] }
    PutRow { row: Row { kind: Pin, key_id: Binary(16 bytes), version: 2, sealed: Binary(40 bytes) }, after: None }
    RowPut
    FetchSealedVault { number: 1, auth_key: Some(AuthKey(..)) }
    SealedVaultRows { wrapped_by_recovery_key: WrappedAccountKey(..), wrapped_by_password: Some(WrappedAccountKey(..)), rows: [Row { kind: Pin, key_id: Binary(16 bytes), version: 2, sealed: Binary(40 bytes) }] }
    DropSealedVault { number: 1, proof: ResetProof(..) }
    SealedVaultDropped
    "#);
}
