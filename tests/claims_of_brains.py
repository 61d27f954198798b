"""What three pages ask of models that are asked in text, line by line, and what of that we claim to do.

V: Vapi's guide to custom LLMs (docs.vapi.ai), with its API's `CustomLLMModel`. L: LiveKit's overview of its LLM layer
(docs.livekit.io, models/llm). T: Tavus' LLM layer of a persona (docs.tavus.io, persona/llm). M must, S should, C could,
X is not for us to do. Tests are marked with the ids (`@pytest.mark.claim("V11")`).
"""

from tests.claims import Claim

VOICE = "the voice that is made of a chat model is still to come"
NO_NODE = "this server is Python; what is Node there is a key of the YAML here"

VAPI = (
    Claim("V1", "a page that says how to bring a model of one's own", "C"),
    Claim("V2", "the same route asked by voice, or in text", "S"),
    Claim("V3", "what an agent knows, and is, comes from the configuration (`instructions`)", "S"),
    Claim("V4", "and from what is known of the caller: `{{customer.name}}` in instructions", "S"),
    Claim("V5", "in the language that the asker names", "S"),
    Claim("V6", "when to use which form", "C"),
    Claim("V7", "POST `…/chat/completions`, with a bearer token; 404 for a brain that is not there, 405 on GET", "S"),
    Claim("V8", "OpenAI's request, and what Vapi adds to it, none of which is sent on or logged", "S"),
    Claim("V9", "`stream` true, false and absent", "S"),
    Claim("V10", "an answer as JSON though a stream was asked for", "S"),
    Claim("V11", "an answer as server-sent events, however cut", "S"),
    Claim("V12", "Vapi's three example servers, by their names", "S"),
    Claim("V13", "`basic`: JSON, with no model and no key", "S"),
    Claim("V14", "`openai-sse`: piece by piece; whoever leaves closes the connection to the model", "S"),
    Claim("V15", "one response, kept open by comments, that nothing on the way may hold back", "C"),
    Claim("V16", "`openai-advanced`: the last words are rewritten, things looked up, the conversation remembered", "S"),
    Claim("V17", "templates to copy", "C", lacking="config.yaml and docs/brains.md show each form; no files to copy"),
    Claim(
        "V18",
        "the client's options of Vapi: model, url, headers, a timeout of 20 s",
        "C",
        lacking="what a model is told of the call is in `instructions` (no `metadataSendMode`); no `numFastTurns`",
    ),
    Claim("V19", "`transferCall` and `endCall`, which Vapi declares, go back to Vapi", "C", lacking=VOICE),
)

LIVEKIT = (
    Claim("L1", "the page's title", "X", lacking="a text"),
    Claim("L2", "the choice between a realtime model and a chat model", "S", lacking=VOICE),
    Claim("L3", "a gateway of somebody's, such as LiveKit Inference, by `base_url` and key", "C"),
    Claim("L4", "GPT models, at OpenAI, Azure, Baseten, Groq, Cerebras", "C"),
    Claim("L5", "Gemini models", "C"),
    Claim("L6", "Qwen, Kimi and DeepSeek, at Baseten", "C"),
    Claim("L7", "one model, several providers: `provider` chooses, `fallback` is the order", "S"),
    Claim("L8", "`provider/model` in place of an object", "S"),
    Claim("L9", "the same in Node", "C", lacking=NO_NODE),
    Claim("L10", "further parameters; those that a model does not take are left out, and told of once", "S"),
    Claim("L11", "each provider's own key; which are missing is told", "S"),
    Claim("L12", "the nineteen plugins: an address, or the reason why there is none", "C"),
    Claim("L13", "models that nobody here knows", "S"),
    Claim("L14", "the heading of advanced features", "X", lacking="a text"),
    Claim("L15", "a Python function in place of the model (the LLM node)", "S"),
    Claim("L16", "one interface for all, without a call around it", "S"),
    Claim("L17", "`ChatContext`, `async with brain.chat(context) as stream`, `chunk.delta`", "S"),
    Claim("L18", "pictures, by URL or data", "C"),
    Claim("L19", "workflows of several agents", "S"),
    Claim("L20", "tools"),
    Claim(
        "L21", "what it costs", "S", lacking="of calls; answers to those who ask in text tell their tokens and no cost"
    ),
    Claim("L22", "realtime models of several vendors", "S"),
    Claim(
        "L23",
        "the documentation for machines (`llms.txt`)",
        "C",
        lacking="the pages are Markdown; there is no index of them for machines",
    ),
    Claim("L24", "of its realtime plugin: sessions renewed at a quiet moment, errors of no consequence"),
)

TAVUS = (
    Claim("T1", "the index of the documentation", "C", lacking="as L23"),
    Claim("T2", "any OpenAI-compatible model", "S"),
    Claim("T3", "Tavus' own models: the complaint says what to write instead", "X"),
    Claim("T4", "25,000 tokens are told of, 32,000 are the most: the oldest turns are left out, with their tools", "S"),
    Claim("T5", "`tools` of hosted models"),
    Claim("T6", "`speculative_inference` of hosted models", "C", lacking=VOICE),
    Claim("T7", "`extra_body` of hosted models; never the conversation's own keys", "S"),
    Claim(
        "T8",
        "the example of a persona",
        "C",
        lacking="its `layers.llm` is a brain as it stands; nothing reads the rest",
    ),
    Claim("T9", "model, base URL and key: which of them is missing is told", "S"),
    Claim(
        "T10",
        "it must stream, at `/chat/completions`",
        "S",
        lacking="`doctor` connects, and asks no model anything: whether it streams is seen when it is asked",
    ),
    Claim("T11", "`model` of one's own, as it is", "S"),
    Claim("T12", "`base_url` without the route, and with it too", "S"),
    Claim("T13", "`api_key`, needed only where the provider wants one", "S"),
    Claim("T14", "`tools` of one's own model: the same as those of the voice side", "S"),
    Claim("T15", "`speculative_inference` of one's own model", "C", lacking=VOICE),
    Claim("T16", "`headers`, which go before the key's own", "S"),
    Claim("T17", "`extra_body` with whatever the model knows", "S"),
    Claim("T18", "`default_query`", "S"),
    Claim("T19", "the example of Azure, as it stands", "S"),
    Claim("T20", "the list of all fields", "C", lacking="config.yaml has them all; there is no JSON schema of it"),
    Claim("T21", "raven-0: what is seen, in a system message", "C"),
    Claim("T22", "the basic perception model: speech and scene told apart", "C"),
    Claim("T23", "no perception: nothing is changed", "C"),
)
BRAINS = (*VAPI, *LIVEKIT, *TAVUS)
