//! The API described for programs: OpenAPI 3.1, made from the handlers.

use axum::{Json, response::IntoResponse};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, ContentBuilder, Ref, RefOr, ResponseBuilder,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{
    account, erasure, events, messages, people, problem::ProblemBody, reset, send, session, tokens, totp,
};

/// What takes no session.
const PUBLIC: [&str; 6] = [
    "/api/register",
    "/api/login",
    "/api/forgot-password",
    "/api/reset-password",
    "/api/health",
    "/api/openapi.json",
];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Secure Messaging",
        description = "The REST API for programs. It is served by a gateway on your own machine, which encrypts and \
                       decrypts: what it passes on to the server, the server cannot read.",
        license(name = "MIT", identifier = "MIT"),
    ),
    paths(
        account::register,
        account::login,
        account::logout,
        account::me,
        totp::setup,
        totp::enable,
        totp::disable,
        reset::forgot,
        reset::reset,
        messages::list,
        messages::one,
        send::send,
        send::send_to_group,
        erasure::delete,
        erasure::set_timer,
        people::conversations,
        events::events,
        events::acknowledge,
        people::users,
        people::safety_number,
        people::accept_key,
        tokens::create,
        tokens::list,
        tokens::revoke,
        super::health,
    ),
    components(schemas(ProblemBody, session::Scope)),
    tags(
        (name = "Account"),
        (name = "Messages"),
        (name = "People"),
        (name = "Tokens"),
        (name = "Second factor"),
        (name = "Password reset"),
        (name = "Gateway"),
    ),
    modifiers(&Common),
)]
struct Described;

/// What holds for all operations, said once.
struct Common;

impl Modify for Common {
    fn modify(&self, api: &mut openapi::OpenApi) {
        api.info.version = env!("CARGO_PKG_VERSION").to_owned();
        let components = api.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(session::COOKIE_NAME)));
        components.add_security_scheme("cookie", cookie);
        for (path, item) in &mut api.paths.paths {
            let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
            for operation in operations.into_iter().filter_map(Option::as_mut) {
                for (status, description) in [
                    ("4XX", "Refused: `detail` says why and what to do."),
                    ("5XX", "Not the caller's fault."),
                ] {
                    operation.responses.responses.insert(status.to_owned(), refusal(description));
                }
                if !PUBLIC.contains(&path.as_str()) {
                    let either = ["token", "cookie"].map(|name| SecurityRequirement::new(name, [""; 0]));
                    operation.security = Some(either.to_vec());
                }
            }
        }
    }
}

fn refusal(description: &str) -> RefOr<openapi::Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new().description(description);
    response.content("application/problem+json", content).build().into()
}

/// The API, described.
pub fn openapi() -> openapi::OpenApi {
    Described::openapi()
}

pub(super) async fn serve() -> impl IntoResponse {
    Json(openapi())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The description stands in `docs/openapi.json`, so that a change of the API shows as one.
    #[test]
    fn the_description_is_the_one_in_the_documentation() {
        let described = openapi().to_pretty_json().unwrap() + "\n";
        let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(kept, &described).unwrap();
        }
        let kept = std::fs::read_to_string(kept).unwrap();
        assert!(kept == described, "run the tests with UPDATE_OPENAPI=1 and look at the difference");
    }

    #[test]
    fn every_operation_says_what_it_is_and_how_it_refuses() {
        for (path, item) in openapi().paths.paths {
            for operation in [item.get, item.post, item.put, item.delete].into_iter().flatten() {
                assert!(operation.summary.is_some_and(|summary| !summary.is_empty()), "{path}");
                assert!(operation.responses.responses.contains_key("4XX"), "{path}");
                let is_public = PUBLIC.contains(&path.as_str());
                assert_eq!(operation.security.is_none(), is_public, "{path}");
            }
        }
    }
}
