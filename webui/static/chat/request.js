// A conversation as the body of an API request.

const GO_ON = "Your last answer was cut off. Go on exactly where it ended. Do not repeat anything and do not comment.";

// `answer` is the message that is to be filled; `how` says in which way an answer begun is continued: "new" asks for a
// whole one, "prefill" gives its beginning as the model's own words, "told" asks the model in words to go on.
export function requestBody(conversation, answer, how) {
  const { options } = conversation;
  const said = answered(conversation.messages.slice(0, conversation.messages.indexOf(answer)));
  const messages = said.map((message) => ({ role: message.role, content: contentOf(message) }));
  if (options.system) messages.unshift({ role: "system", content: options.system });
  if (how !== "new") messages.push({ role: "assistant", content: answer.text });
  if (how === "told") messages.push({ role: "user", content: GO_ON });
  const body = { model: conversation.model, messages, stream: true, stream_options: { include_usage: true } };
  if (options.temperature !== null) body.temperature = options.temperature;
  if (options.max_tokens !== null) body.max_tokens = options.max_tokens;
  return JSON.stringify(body);
}

// Models want question and answer in turn: a question that got no answer is left out, but for the last one.
function answered(messages) {
  return messages.filter((message, index) => {
    const pair = message.role === "user" ? messages[index + 1] : message;
    return pair === undefined || pair.text !== "";
  });
}

export function contentOf(message) {
  if (message.role === "assistant") return message.text;
  const texts = message.attachments.filter((one) => one.kind === "text").map(asText);
  const text = [...texts, message.text].filter((part) => part !== "").join("\n\n");
  const media = message.attachments.filter((one) => one.kind !== "text").map(asPart);
  return media.length ? [...media, ...(text ? [{ type: "text", text }] : [])] : text;
}

// Fenced by more ticks than any run in the file, so that the file cannot end its own block.
function asText({ name, data }) {
  const longest = Math.max(2, ...Array.from(data.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `File: ${name}\n${fence}\n${data}\n${fence}`;
}

function asPart({ kind, name, data }) {
  if (kind === "image") return { type: "image_url", image_url: { url: data } };
  if (kind === "pdf") return { type: "file", file: { filename: name, file_data: data } };
  const format = data.startsWith("data:audio/wav") ? "wav" : "mp3";
  return { type: "input_audio", input_audio: { data: data.slice(data.indexOf(",") + 1), format } };
}
