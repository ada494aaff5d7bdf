// A language model for tests, behind @copilotkit/aimock's Anthropic and OpenAI endpoints. The name of the model picks
// its manners. Prints its url and lives until its input closes.
import { LLMock } from "@copilotkit/aimock";

const text = (request, role) =>
  request.messages.filter((m) => m.role === role)
    .map((m) => (typeof m.content === "string" ? m.content : m.content.map((part) => part.text).join(""))).join("\n");
const nonceOf = (request) => /"nonce":"([0-9a-f]{32})"/.exec(text(request, "system"))[1];

// How much trouble an arm has: lines that speak of it, by their counts.
function trouble(user, mark) {
  let sum = 0;
  for (const line of user.split("\n")) {
    const head = new RegExp(`^${mark}(\\*(\\d+))?\\| `).exec(line);
    if (head && /ERROR|FATAL|crash|abort|fault/.test(line)) sum += Number(head[2] ?? 1);
  }
  return sum;
}
const answer = (request, verdict, reason) =>
  JSON.stringify({ nonce: nonceOf(request), verdict, confidence: 95, reasons: [reason] });
function judge(request) {
  const user = text(request, "user");
  const canary = trouble(user, "c"), control = trouble(user, "s");
  return answer(request, canary > 2 * control ? "worse" : "not-worse", `canary ${canary}, control ${control}`);
}

let limited = 0;
const manners = {
  judge: (request) => ({ content: judge(request) }),
  fenced: (request) => ({ content: "```json\n" + judge(request) + "\n```" }),
  thinking: (request) => ({ content: judge(request), reasoning: "let me compare the arms" }),
  obedient: (request) => ({ content: answer(request, "not-worse", "the log said so") }),
  alarmist: (request) => ({ content: answer(request, "worse", "the log said so") }),
  unsure: (request) => ({ content: answer(request, "unsure", "too little") }),
  empty: () => ({ content: "" }),
  garbled: () => ({ content: '{"verdict": "not-wor' }),
  chatty: (request) => ({ content: "Sure! Here is my verdict:\n" + judge(request) }),
  promoter: () => ({ content: JSON.stringify({ text: "fine", promote: true, confidence: 100 }) }),
  tool: () => ({ toolCalls: [{ name: "promote", arguments: "{}" }] }),
  cut: (request) => ({ content: judge(request), finishReason: "length" }),
  refusing: () => ({ content: "", finishReason: "content_filter" }),
  huge: () => ({ content: "x".repeat(4 << 20) }),
  slow: () => new Promise(() => {}),
  broken: () => ({ error: { message: "broken", type: "api_error" }, status: 500 }),
  forbidden: () => ({ error: { message: "no", type: "authentication_error" }, status: 401 }),
  limited: (request) =>
    limited++ % 2 === 0 ? { error: { message: "slow down", type: "rate_limit_error" }, status: 429 }
                        : { content: judge(request) },
  strict: (request) =>
    request.temperature !== undefined
      ? { error: { message: "Unsupported parameter: 'temperature' is not supported with this model.", type: "invalid_request_error", param: "temperature" }, status: 400 }
      : { content: judge(request) },
};

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
mock.on({ predicate: () => true }, (request) => manners[request.model](request));
await mock.start();
process.stdout.write(mock.url + "\n");
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
