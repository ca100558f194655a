//! `[export]`: who gets a run's figures while it goes on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use throng_export::{Encoding, HeaderName, HeaderValue, Histograms, OtlpSettings, Settings};
use url::Url;

use super::layers::Section;
use super::raw::{Entry, Value};
use super::setting::{Refusal, Setting};

/// How long a run that is over waits for the last scrape.
const LINGER: Duration = Duration::from_secs(15);

const ADDRESS: &str = "a port such as 9464, or an address and a port such as \"0.0.0.0:9464\"";
const ENDPOINT: &str = "the address of a collector, such as \"http://127.0.0.1:4318\"";
const HEADER: &str = "a header's name and its value, such as authorization = \"Bearer ...\"";
const PROTOCOLS: [(&str, Encoding); 2] =
    [("http/protobuf", Encoding::Protobuf), ("http/json", Encoding::Json)];
const HISTOGRAMS: [(&str, Histograms); 2] =
    [("exponential", Histograms::Exponential), ("explicit", Histograms::Explicit)];

/// Who gets a run's figures, and how long its end waits for them.
#[derive(Debug, Clone)]
pub struct ExportSettings {
    /// What the exporters are told.
    pub exporters: Settings,
    /// How long a run that is over waits for the last scrape of a Prometheus that has scraped it before.
    pub linger: Duration,
}

pub(super) fn read(section: &Section<'_>) -> ExportSettings {
    let prometheus = section.setting("prometheus").and_then(|setting| setting.read(ADDRESS, address));
    let linger = section.setting("linger").and_then(|setting| setting.duration());
    let otlp =
        section.setting("otlp").map_or_else(|| section.optional_section("otlp"), |setting| table(&setting));
    let otlp = otlp.and_then(|section| otlp_settings(&section));
    section.refuse_unknown();
    ExportSettings { exporters: Settings { prometheus, otlp }, linger: linger.unwrap_or(LINGER) }
}

/// A text alone is the endpoint.
fn table<'a>(setting: &Setting<'a>) -> Option<Section<'a>> {
    if setting.is_table() {
        return setting.section();
    }
    let entry = Entry { key: "endpoint".to_owned(), place: setting.place(), node: setting.node.clone() };
    Some(Section::new(setting.layers, setting.path.clone(), setting.place(), vec![entry]))
}

fn otlp_settings(section: &Section<'_>) -> Option<OtlpSettings> {
    let endpoint =
        section.required("endpoint", ENDPOINT).and_then(|setting| setting.read(ENDPOINT, endpoint));
    let headers = section.optional_section("headers").map(|table| texts(&table, header));
    let every = section.setting("every").and_then(|setting| setting.positive_duration());
    let timeout = section.setting("timeout").and_then(|setting| setting.positive_duration());
    let encoding = section.setting("protocol").and_then(|setting| setting.choice(&PROTOCOLS));
    let histograms = section.setting("histograms").and_then(|setting| setting.choice(&HISTOGRAMS));
    let resource = section
        .optional_section("resource")
        .map(|table| texts(&table, |name, setting| Some((name.to_owned(), setting.text("a text")?))));
    section.refuse_unknown();
    let default = OtlpSettings::to(endpoint?);
    Some(OtlpSettings {
        headers: headers.unwrap_or_default(),
        every: every.unwrap_or(default.every),
        timeout: timeout.unwrap_or(default.timeout),
        encoding: encoding.unwrap_or_default(),
        histograms: histograms.unwrap_or_default(),
        resource: resource.unwrap_or_default(),
        ..default
    })
}

/// What the entries of a table are whose keys the user chooses.
fn texts<T>(table: &Section<'_>, read: impl Fn(&str, &Setting<'_>) -> Option<T>) -> Vec<T> {
    table.chosen().iter().filter_map(|(name, _, setting)| read(name, setting)).collect()
}

fn header(name: &str, setting: &Setting<'_>) -> Option<(HeaderName, HeaderValue)> {
    let refused = |what: &str| Refusal::Value(format!("it cannot be the {what} of a header"));
    setting.read(HEADER, |value| {
        let text = value.as_text().ok_or(Refusal::Kind)?;
        let name = name.parse::<HeaderName>().map_err(|_| refused("name"))?;
        let mut value = HeaderValue::from_str(text).map_err(|_| refused("value"))?;
        value.set_sensitive(true);
        Ok((name, value))
    })
}

/// Loopback, unless another address is said.
fn address(value: &Value) -> Result<SocketAddr, Refusal> {
    let text = match value {
        Value::Integer(port) => port.to_string(),
        value => value.as_text().ok_or(Refusal::Kind)?.trim().to_owned(),
    };
    let (host, port) = text.rsplit_once(':').unwrap_or(("", &text));
    let port = port.parse().map_err(|_| Refusal::Value("it has no port from 0 to 65535".to_owned()))?;
    let host = match host.trim_start_matches('[').trim_end_matches(']') {
        "" | "localhost" => IpAddr::from(Ipv4Addr::LOCALHOST),
        host => {
            host.parse().map_err(|_| Refusal::Value(format!("{host:?} is no address of this machine")))?
        }
    };
    Ok(SocketAddr::new(host, port))
}

fn endpoint(value: &Value) -> Result<Url, Refusal> {
    let text = value.as_text().ok_or(Refusal::Kind)?.trim();
    let url = Url::parse(text).map_err(|error| Refusal::Value(error.to_string()))?;
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(_)) => Ok(url),
        ("http" | "https", None) => Err(Refusal::Value("it has no host".to_owned())),
        // `localhost:4318` is parsed as the scheme `localhost`.
        (scheme, _) => Err(Refusal::Value(format!("{scheme:?} is neither http nor https"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted: Option<&str>) {
        let read = address(&Value::String(text.to_owned())).ok().map(|address| address.to_string());
        assert_eq!(read.as_deref(), wanted, "{text}");
    }

    #[test]
    fn an_endpoint_is_on_loopback_unless_another_address_is_said() {
        check("9464", Some("127.0.0.1:9464"));
        check(":0", Some("127.0.0.1:0"));
        check("localhost:9464", Some("127.0.0.1:9464"));
        check("0.0.0.0:9464", Some("0.0.0.0:9464"));
        check("[::1]:9464", Some("[::1]:9464"));
        check("::1", None);
        check("example.com:9464", None);
        check("127.0.0.1", None);
        check("65536", None);
    }
}
