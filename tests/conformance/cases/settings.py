"""What an answer is asked to be like: limits, sampling, log probabilities, and the unheard-of."""

from tests.conformance.answering import said
from tests.conformance.case import TEXT, Answer, Case, Within, everywhere

CUT = Answer(
    patch={
        "chat": {"choices.0.finish_reason": "length"},
        "responses": {
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
        },
        "anthropic": {"stop_reason": "max_tokens"},
        "gemini": {"candidates.0.finishReason": "MAX_TOKENS"},
    }
)
STOPPED = Answer(patch={"anthropic": {"stop_reason": "stop_sequence", "stop_sequence": "END"}})
OPENAIS_TOKEN = {
    "token": "Hello",
    "logprob": -0.1,
    "bytes": None,
    "top_logprobs": [{"token": "Hi", "logprob": -2.0, "bytes": None}],
}
LOGPROBS = Answer(
    patch={
        "chat": {"choices.0.logprobs": {"content": [OPENAIS_TOKEN], "refusal": None}},
        "responses": {"output.0.content.0.logprobs": [OPENAIS_TOKEN]},
        "gemini": {
            "candidates.0.logprobsResult": {
                "chosenCandidates": [{"token": "Hello", "logProbability": -0.1}],
                "topCandidates": [{"candidates": [{"token": "Hi", "logProbability": -2.0}]}],
            }
        },
    }
)
STREAMED_LOGPROBS = Answer(
    streamed={
        "chat": {1: {"choices.0.logprobs": {"content": [OPENAIS_TOKEN], "refusal": None}}},
        "responses": {
            4: {"logprobs": [OPENAIS_TOKEN]},
            -1: {"response.output.0.content.0.logprobs": [OPENAIS_TOKEN]},
        },
        "gemini": {0: LOGPROBS.patch["gemini"]},
    }
)
NOVELTY = {"novelty": {"x": 1.5}}

SETTINGS = (
    Case(
        "length",
        "A limit on tokens, and that it was reached",
        {
            "chat": {"max_completion_tokens": 77},
            "responses": {"max_output_tokens": 77},
            "messages": {"max_tokens": 77},
            "gemini": {"config": {"maxOutputTokens": 77}},
        },
        {"text": TEXT, "stop": "length"},
        says=CUT,
        sent={
            "chat": {"": Within('_tokens":77')},
            "responses": {"max_output_tokens": 77},
            "anthropic": {"max_tokens": 77},
            "gemini": {"generationConfig.maxOutputTokens": 77},
        },
    ),
    Case(
        "stop",
        "Stop sequences, and which one was met where the upstream tells",
        {
            "chat": {"stop": ["END"]},
            "messages": {"stop_sequences": ["END"]},
            "gemini": {"config": {"stopSequences": ["END"]}},
        },
        {"text": TEXT, "stop": "stop"},
        says=STOPPED,
        only={("messages", "anthropic"): {"stop_sequence": "END"}},
        sent={
            "chat": {"stop.0": "END"},
            "anthropic": {"stop_sequences": ["END"]},
            "gemini": {"generationConfig.stopSequences": ["END"]},
        },
    ),
    Case(
        "sampling",
        "Temperature and top_p",
        {
            "chat": {"temperature": 0.5, "top_p": 0.75},
            "responses": {"temperature": 0.5, "top_p": 0.75},
            "messages": {},
            "gemini": {"config": {"temperature": 0.5, "topP": 0.75}},
        },
        {"text": TEXT},
        # Anthropic's newer clients have no names for these, and its older models take them.
        extras={"messages": {"temperature": 0.5, "top_p": 0.75}},
        sent={
            "chat": {"temperature": 0.5, "top_p": 0.75},
            "responses": {"temperature": 0.5, "top_p": 0.75},
            "anthropic": {"temperature": 0.5, "top_p": 0.75},
            "gemini": {"generationConfig.temperature": 0.5, "generationConfig.topP": 0.75},
        },
    ),
    Case(
        "top-k",
        "top_k",
        {"messages": {}, "gemini": {"config": {"topK": 40}}},
        {"text": TEXT},
        extras={"messages": {"top_k": 40}},
        sent={"anthropic": {"top_k": 40}, "gemini": {"generationConfig.topK": 40}},
    ),
    Case(
        "seed",
        "Seed",
        {"chat": {"seed": 7}, "gemini": {"config": {"seed": 7}}},
        {"text": TEXT},
        sent={"chat": {"seed": 7}, "gemini": {"generationConfig.seed": 7}},
    ),
    Case(
        "penalties",
        "Presence and frequency penalty",
        {
            "chat": {"presence_penalty": 0.5, "frequency_penalty": 0.25},
            "gemini": {"config": {"presencePenalty": 0.5, "frequencyPenalty": 0.25}},
        },
        {"text": TEXT},
        sent={
            "chat": {"presence_penalty": 0.5, "frequency_penalty": 0.25},
            "gemini": {
                "generationConfig.presencePenalty": 0.5,
                "generationConfig.frequencyPenalty": 0.25,
            },
        },
    ),
    Case(
        "logprobs",
        "Log probabilities",
        {
            "chat": {"logprobs": True, "top_logprobs": 1},
            "responses": {"include": ["message.output_text.logprobs"], "top_logprobs": 1},
            "gemini": {"config": {"responseLogprobs": True, "logprobs": 1}},
        },
        {"text": TEXT, "logprobs": ["Hello"]},
        says=LOGPROBS,
        sent={
            "chat": {"logprobs": True, "top_logprobs": 1},
            "responses": {"top_logprobs": 1},
            "gemini": {"generationConfig.responseLogprobs": True, "generationConfig.logprobs": 1},
        },
    ),
    Case(
        "stream-logprobs",
        "Log probabilities in a stream",
        {
            "chat": {"logprobs": True, "top_logprobs": 1},
            "responses": {"include": ["message.output_text.logprobs"], "top_logprobs": 1},
            "gemini": {"config": {"responseLogprobs": True, "logprobs": 1}},
        },
        {"text": TEXT, "logprobs": ["Hello"]},
        operation="stream",
        says=STREAMED_LOGPROBS,
    ),
    Case(
        "answers",
        "More than one answer",
        {"chat": {"n": 2}, "gemini": {"config": {"candidateCount": 2}}},
        {"text": TEXT},
        sent={"chat": {"n": 2}, "gemini": {"generationConfig.candidateCount": 2}},
    ),
    Case(
        "end-user",
        "The end user's id: the gateway's customer, told where the upstream has a word for it",
        {
            "chat": {"safety_identifier": "user-7"},
            "responses": {"safety_identifier": "user-7"},
            "messages": {"metadata": {"user_id": "user-7"}},
        },
        {"text": TEXT},
        sent={
            "chat": {"": Within('"user-7"')},
            "responses": {"safety_identifier": "user-7"},
            "anthropic": {"metadata.user_id": "user-7"},
        },
    ),
    Case(
        "cache-key",
        "A name for requests that share a prompt; told where the upstream has a word for it",
        {"chat": {"prompt_cache_key": "faust"}, "responses": {"prompt_cache_key": "faust"}},
        {"text": TEXT},
        sent={
            "chat": {"prompt_cache_key": "faust"},
            "responses": {"prompt_cache_key": "faust"},
        },
    ),
    Case(
        "cache-hint",
        "Prompt-cache hints",
        {
            "messages": {
                "system": [
                    {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}
                ]
            },
        },
        {"text": TEXT},
        sent={"anthropic": {"": Within("ephemeral")}},
    ),
    Case(
        "cached-content",
        "A prompt that the vendor keeps",
        {"gemini": {"config": {"cachedContent": "cachedContents/1"}}},
        {"text": TEXT},
        sent={"gemini": {"cachedContent": Within("cachedContents/1")}},
    ),
    Case(
        "tier",
        "Service tier",
        {
            "chat": {"service_tier": "flex"},
            "responses": {"service_tier": "flex"},
            "messages": {"service_tier": "standard_only"},
            "gemini": {"config": {"serviceTier": "flex"}},
        },
        {"text": TEXT},
    ),
    Case(
        "echo",
        "The answer says what was asked",
        {
            "responses": {
                "instructions": "Be brief.",
                "temperature": 0.5,
                "metadata": {"team": "blue"},
            }
        },
        {
            "text": TEXT,
            "asked": {
                "instructions": "Be brief.",
                "temperature": 0.5,
                "metadata": {"team": "blue"},
            },
        },
        says=Answer(
            patch={
                "responses": {
                    "instructions": "Be brief.",
                    "temperature": 0.5,
                    "metadata": {"team": "blue"},
                }
            }
        ),
    ),
    Case(
        "stored",
        "An answer that the vendor keeps is gone on from",
        {"responses": {}},
        {"text": TEXT},
        sent={"responses": {"previous_response_id": "resp_1"}},
        then={"responses": lambda answer: {"previous_response_id": answer["id"]}},
    ),
    Case(
        "unknown",
        "A parameter that nobody here has heard of",
        everywhere(),
        {"text": "Well."},
        says=said("Well."),
        extras=everywhere(NOVELTY),
        sent=dict.fromkeys(("chat", "responses", "anthropic", "gemini"), NOVELTY),
    ),
)
