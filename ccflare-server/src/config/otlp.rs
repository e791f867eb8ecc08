//! Where traces and metrics go.

use ccflare_core::oauth::may_carry_secrets;
use url::Url;

use super::{ConfigError, Given, Origin, get, wrong};
use crate::otlp::OtlpOptions;

/// The variable that every program with OpenTelemetry reads.
pub(super) const EVERYBODYS: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

pub(super) fn read(given: &Given) -> Result<Option<OtlpOptions>, ConfigError> {
    let headers = get(given, "otlp_headers")?;
    let headers_file = get(given, "otlp_headers_file")?;
    let Some(endpoint) = get::<Url>(given, "otlp_endpoint")? else { return Ok(None) };
    if !endpoint.username().is_empty() || endpoint.password().is_some() || endpoint.query().is_some() {
        let why =
            "it is shown and logged, so user, password and query have no place in it; put them into otlp_headers_file";
        return Err(wrong(given, "otlp_endpoint", why));
    }
    if headers.is_some() && headers_file.is_some() {
        return Err(wrong(given, "otlp_headers_file", "there are otlp_headers as well; take one of them away"));
    }
    if (headers.is_some() || headers_file.is_some()) && !may_carry_secrets(&endpoint) {
        let why = "it must begin with https:// (http:// only for this machine): the headers are sent there";
        return Err(wrong(given, "otlp_endpoint", why));
    }
    let by_name = !matches!(given.get("otlp_endpoint"), Some((_, Origin::Environment(EVERYBODYS))));
    Ok(Some(OtlpOptions { endpoint, headers, headers_file, by_name }))
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Places};

    fn read(endpoint: &str) -> Result<Config, String> {
        let places = Places { config_dir: "/c".into(), data_dir: "/d".into(), home: None };
        Config::resolve([("otlp_endpoint", endpoint.to_owned())], |_| None, None, &places).map_err(|it| it.to_string())
    }

    #[test]
    fn an_endpoint_holds_no_credential_for_it_is_shown_and_logged() {
        assert!(read("https://collector.example/otel").expect("valid").otlp.is_some());
        for endpoint in ["https://user:s3cret@collector.example", "https://collector.example/?key=s3cret"] {
            let Err(error) = read(endpoint) else { panic!("{endpoint} was taken") };
            assert!(error.contains("otlp_headers_file") && !error.contains("s3cret"), "{error}");
        }
    }
}
