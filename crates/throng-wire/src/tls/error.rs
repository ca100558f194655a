//! What can go wrong with TLS, in words that are the same whenever the same goes wrong.

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error, InvalidMessage};
use std::fmt;

/// Names of a certificate that are shown.
const NAMES: usize = 5;
const DAY: u64 = 24 * 60 * 60;

/// A handshake that failed, or a peer that broke TLS.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TlsError {
    /// No certificate could be for that name.
    #[error("`{0}` is no name that a certificate can be for; `server_name` can give another")]
    Name(Box<str>),
    /// The certificate's time is over.
    #[error("the server's certificate expired on {0}")]
    Expired(Day),
    /// The certificate's time has not come.
    #[error("the server's certificate is not valid before {0}")]
    NotYetValid(Day),
    /// Nobody we trust has signed the certificate.
    #[error("the server's certificate is not signed by anybody we trust; `ca` can name its issuer")]
    UnknownIssuer,
    /// The certificate names an authority we trust, which has not signed it.
    #[error("the server's certificate is not signed by the authority it names; `ca` can name its issuer")]
    WrongIssuer,
    /// The certificate is for somebody else.
    #[error("the server's certificate is for {presented}, not for {expected}")]
    WrongName {
        /// Whom we wanted to reach.
        expected: Box<str>,
        /// The names it has.
        presented: Box<str>,
    },
    /// The certificate has another fault.
    #[error("the server's certificate is not acceptable: {0}")]
    Certificate(CertificateError),
    /// The peer sent an alert.
    #[error("the server refused: {0}")]
    Refused(Box<str>),
    /// The peer closed before the handshake was done.
    #[error("the server closed before the TLS handshake was done")]
    ClosedEarly,
    /// What came first is not TLS.
    #[error("the server does not speak TLS")]
    NotTls,
    /// There is no version, cipher or curve that both sides have.
    #[error("the server and throng have no TLS in common: {0}")]
    Incompatible(Box<str>),
    /// More was begun than is kept.
    #[error("the server sent a handshake message of more than {} bytes", super::LONGEST_TAIL)]
    TooLong,
    /// A record was changed on its way, or made with another key.
    #[error("what the server sent could not be decrypted")]
    Undecipherable,
    /// The keys may not encrypt any more, and TLS 1.2 has no way to renew them.
    #[error("the connection's keys have been used too often")]
    KeysUsedUp,
    /// There is no connection to write to.
    #[error("the TLS handshake is not done")]
    NotOpen,
    /// Anything else the peer did wrong.
    #[error("the server broke TLS: {0}")]
    Broken(Error),
}

/// A day of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(u64);

impl TlsError {
    /// What went wrong in rustls; `open` says whether the handshake was done.
    pub fn from_peer(error: Error, open: bool) -> TlsError {
        let not_tls = matches!(
            error,
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                    | InvalidMessage::UnknownProtocolVersion
                    | InvalidMessage::MessageTooLarge
                    | InvalidMessage::InvalidEmptyPayload
            )
        );
        if not_tls && !open { TlsError::NotTls } else { error.into() }
    }
}

impl From<Error> for TlsError {
    fn from(error: Error) -> TlsError {
        match error {
            Error::InvalidCertificate(error) => of_certificate(error),
            Error::AlertReceived(alert) => TlsError::Refused(words(&format!("{alert:?}"))),
            Error::PeerIncompatible(why) => TlsError::Incompatible(words(&format!("{why:?}"))),
            Error::DecryptError => TlsError::Undecipherable,
            other => TlsError::Broken(other),
        }
    }
}

fn of_certificate(error: CertificateError) -> TlsError {
    match error {
        CertificateError::ExpiredContext { not_after, .. } => TlsError::Expired(Day::of(not_after)),
        CertificateError::NotValidYetContext { not_before, .. } => TlsError::NotYetValid(Day::of(not_before)),
        CertificateError::UnknownIssuer => TlsError::UnknownIssuer,
        CertificateError::BadSignature => TlsError::WrongIssuer,
        CertificateError::NotValidForNameContext { expected, presented } => {
            TlsError::WrongName { expected: expected.to_str().into(), presented: listed(&presented).into() }
        }
        other => TlsError::Certificate(other),
    }
}

/// The names of a certificate; rustls gives them as `DnsName("a.example")` and `IpAddress(127.0.0.1)`.
fn listed(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, inner)| inner.trim_end_matches(')'));
        inner.trim_matches('"').to_owned()
    };
    let shown: Vec<String> = presented.iter().take(NAMES).map(bare).collect();
    match presented.len().saturating_sub(NAMES) {
        _ if shown.is_empty() => "no name at all".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `CertificateRequired` as `certificate required`.
fn words(name: &str) -> Box<str> {
    let mut text = String::with_capacity(name.len() + 8);
    let mut after_small = false;
    for char in name.chars() {
        if char.is_ascii_uppercase() && after_small {
            text.push(' ');
        }
        after_small = char.is_ascii_lowercase();
        text.push(char.to_ascii_lowercase());
    }
    text.into()
}

impl Day {
    fn of(time: UnixTime) -> Day {
        Day(time.as_secs() / DAY)
    }
}

impl fmt::Display for Day {
    /// Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`, for days from 1970 on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (day, shown) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (19_723, "2024-01-01"),
            (20_453, "2025-12-31"),
        ] {
            assert_eq!(Day(day).to_string(), shown);
        }
    }

    #[test]
    fn names_of_certificates_are_listed_as_a_person_would() {
        let names = |count: usize| (0..count).map(|at| format!("DnsName(\"{at}.test\")")).collect::<Vec<_>>();
        assert_eq!(listed(&[]), "no name at all");
        assert_eq!(listed(&names(2)), "0.test, 1.test");
        assert_eq!(listed(&["IpAddress(127.0.0.1)".to_owned()]), "127.0.0.1");
        assert!(listed(&names(7)).ends_with("4.test and 2 more"));
    }

    #[test]
    fn alerts_are_told_in_words() {
        assert_eq!(&*words("CertificateRequired"), "certificate required");
        assert_eq!(&*words("UnknownCA"), "unknown ca");
        assert_eq!(&*words("ServerDoesNotSupportTls12Or13"), "server does not support tls12or13");
    }
}
