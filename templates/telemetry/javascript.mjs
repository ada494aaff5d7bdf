// Reports this app's sessions and crashes to `tranche serve`: for Electron's main process, or Node 18 and later.
// Counters are cumulative since the start, so a report that is lost or repeated changes nothing. The server computes
// the arm itself: an app need not know about rollouts.
import { randomUUID } from "node:crypto";

export class Telemetry {
  // device: an id that stays the same on this machine, 1 to 128 printable ASCII characters. version: app.getVersion().
  constructor({ device, version, labels = {}, url = "@URL@", channel = "stable" }) {
    this.url = url + "/v1/checkin";
    this.body = { device, app: "@APP@", channel, version, labels, boot: randomUUID(), seq: 0, sessions: 0, crashes: 0, signals: {} };
  }
  session() { this.body.sessions += 1; } // a window opened: what a crash is counted against
  crash() { this.body.crashes += 1; } // app.on("render-process-gone", ...), or found at the next start
  signal(name) { this.body.signals[name] = (this.body.signals[name] ?? 0) + 1; } // for gates, as signal:NAME
  // At the start, every ten minutes, and at the end; never rejects.
  async report() {
    this.body.seq += 1;
    try {
      const answer = await fetch(this.url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(this.body),
        signal: AbortSignal.timeout(10_000),
      });
      return answer.ok;
    } catch {
      return false; // the next report makes up for it
    }
  }
}
