// Reports this app's sessions and crashes to `tranche serve`. Counters are cumulative since the start, so a report that
// is lost or repeated changes nothing. The server computes the arm itself.
// Cargo.toml: serde_json = "1", ureq = { version = "2", features = ["json"] }, uuid = { version = "1", features = ["v4"] }
use std::time::Duration;

pub struct Telemetry {
    device: String, // stays the same on this machine, 1 to 128 printable ASCII characters
    version: String, // what runs
    boot: String,
    seq: u32,
    pub sessions: u32, // what a crash is counted against
    pub crashes: u32,  // found at the next start, or from a panic hook
}

impl Telemetry {
    pub fn new(device: &str, version: &str) -> Self {
        let boot = uuid::Uuid::new_v4().to_string();
        Telemetry { device: device.into(), version: version.into(), boot, seq: 0, sessions: 0, crashes: 0 }
    }

    // At the start, every ten minutes, and at the end. When it is false the next report makes up for it.
    pub fn report(&mut self) -> bool {
        self.seq += 1;
        let body = serde_json::json!({
            "device": self.device, "app": "@APP@", "channel": "stable", "version": self.version,
            "boot": self.boot, "seq": self.seq, "sessions": self.sessions, "crashes": self.crashes
        });
        ureq::post("@URL@/v1/checkin").timeout(Duration::from_secs(10)).send_json(body).is_ok()
    }
}
