// Reports this app's sessions and crashes to `tranche serve`: .NET 6 and later. Counters are cumulative since the start,
// so a report that is lost or repeated changes nothing. The server computes the arm itself.
using System;
using System.Net.Http;
using System.Net.Http.Json;
using System.Threading;
using System.Threading.Tasks;

public sealed class Telemetry
{
    private static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly string device, version, boot = Guid.NewGuid().ToString("N");
    private int seq, sessions, crashes;

    // device: stays the same on this machine, 1 to 128 printable ASCII characters. version: what runs.
    public Telemetry(string device, string version) { this.device = device; this.version = version; }

    public void Session() => Interlocked.Increment(ref sessions); // what a crash is counted against
    public void Crash() => Interlocked.Increment(ref crashes);    // AppDomain.UnhandledException, or found at the next start

    // At the start, every ten minutes, and at the end. When it is false the next report makes up for it.
    public async Task<bool> Report()
    {
        try
        {
            var body = new { device, app = "@APP@", channel = "stable", version, boot, seq = Interlocked.Increment(ref seq), sessions, crashes };
            using var answer = await Client.PostAsJsonAsync("@URL@/v1/checkin", body);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }
}
