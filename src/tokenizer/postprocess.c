/* postprocess.c: every post-processor puts ids around the text; a sequence of them nests. */
#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/components.h"
#include "resjac/tokenizer/grow.h"

rj_status rj_frame_add(rj_frame *frame, int32_t id)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(frame->n < RJ_MAX_FRAME, RJ_ERR_FORMAT, "post_processor: more than %d ids around a text",
               RJ_MAX_FRAME);
    RJ_GROW(frame->id, frame->cap, frame->n + 1);
    frame->id[frame->n++] = id;
done:
    return st;
}

static rj_status add_checked(const rj_json *j, const json_t *id, rj_frame *frame)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(
        json_is_integer(id) && json_integer_value(id) >= 0 && json_integer_value(id) <= RJ_MAX_TOKEN_ID,
        RJ_ERR_FORMAT, "%s: post_processor: an id is not an integer of 0..%d", j->path, RJ_MAX_TOKEN_ID);
    RJ_TRY(rj_frame_add(frame, (int32_t)json_integer_value(id)));
done:
    return st;
}

/* What an outer post-processor calls the text is all that the inner ones made. */
static rj_status add_inner(const rj_frame *inner, rj_frame *frame)
{
    rj_status st = RJ_OK;

    for (ptrdiff_t i = 0; i < inner->n; i++) RJ_TRY(rj_frame_add(frame, inner->id[i]));
done:
    return st;
}

/* "cls": ["<s>", 0], "sep": ["</s>", 2] */
static rj_status add_pair(const rj_json *j, const json_t *o, const char *key, rj_frame *frame)
{
    rj_status st = RJ_OK;
    const json_t *pair = json_object_get(o, key);

    RJ_REQUIRE(json_is_array(pair) && json_array_size(pair) == 2, RJ_ERR_FORMAT,
               "%s: post_processor: \"%s\" must be [text, id]", j->path, key);
    RJ_TRY(add_checked(j, json_array_get(pair, 1), frame));
done:
    return st;
}

static rj_status read_classes(const rj_json *j, const json_t *o, const rj_frame *inner, rj_frame *frame)
{
    rj_status st = RJ_OK;

    RJ_TRY(add_pair(j, o, "cls", frame));
    RJ_TRY(add_inner(inner, frame));
    RJ_TRY(add_pair(j, o, "sep", frame));
done:
    return st;
}

static rj_status add_special(const rj_json *j, const json_t *o, const char *name, rj_frame *frame)
{
    rj_status st = RJ_OK;
    const json_t *ids = json_object_get(json_object_get(json_object_get(o, "special_tokens"), name), "ids");

    RJ_REQUIRE(json_is_array(ids), RJ_ERR_FORMAT,
               "%s: post_processor: \"%s\" has no \"ids\" among \"special_tokens\"", j->path, name);
    for (size_t i = 0; i < json_array_size(ids); i++) RJ_TRY(add_checked(j, json_array_get(ids, i), frame));
done:
    return st;
}

/* "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}] */
static rj_status read_template(const rj_json *j, const json_t *o, const rj_frame *inner, rj_frame *frame)
{
    rj_status st = RJ_OK;
    const json_t *single = json_object_get(o, "single");

    RJ_REQUIRE(json_is_array(single), RJ_ERR_FORMAT,
               "%s: post_processor: TemplateProcessing needs the array \"single\"", j->path);
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *piece = json_array_get(single, i), *text = json_object_get(piece, "Sequence");
        const char *id = NULL;
        RJ_REQUIRE(json_is_object(piece), RJ_ERR_FORMAT,
                   "%s: post_processor: \"single\" holds what is no object", j->path);
        const json_t *named = text != NULL ? text : json_object_get(piece, "SpecialToken");
        RJ_REQUIRE(json_is_object(named), RJ_ERR_FORMAT,
                   "%s: post_processor: \"single\" holds neither Sequence nor SpecialToken", j->path);
        RJ_TRY(rj_json_string(j, named, "id", true, &id));
        RJ_REQUIRE(text == NULL || strcmp(id, "A") == 0, RJ_ERR_FORMAT,
                   "%s: post_processor: \"single\" has the sequence \"%s\", needs A", j->path, id);
        RJ_TRY(text != NULL ? add_inner(inner, frame) : add_special(j, o, id, frame));
    }
done:
    return st;
}

static rj_status read_byte_level(const rj_json *j, const json_t *o, const rj_frame *inner, rj_frame *frame)
{
    (void)j;
    (void)o;
    return add_inner(inner, frame); /* it moves offsets, no ids */
}

static rj_status read_any(const rj_json *j, const json_t *o, const rj_frame *inner, rj_frame *frame);

static rj_status read_sequence(const rj_json *j, const json_t *o, const rj_frame *inner, rj_frame *frame)
{
    rj_status st = RJ_OK;
    const json_t *list = json_object_get(o, "processors");
    rj_frame now = {0}, next = {0};

    RJ_REQUIRE(json_is_array(list), RJ_ERR_FORMAT,
               "%s: post_processor: a Sequence needs the array \"processors\"", j->path);
    RJ_TRY(add_inner(inner, &now));
    for (size_t i = 0; i < json_array_size(list); i++) {
        next.n = 0;
        RJ_TRY(read_any(j, json_array_get(list, i), &now, &next));
        const rj_frame result = next;
        next = now;
        now = result;
    }
    RJ_TRY(add_inner(&now, frame));
done:
    rj_free(next.id);
    rj_free(now.id);
    return st;
}

static const struct {
    const char *name;
    rj_status (*read)(const rj_json *j, const json_t *o, const rj_frame *inner, rj_frame *frame);
} KINDS[] = {{"Sequence", read_sequence},
             {"TemplateProcessing", read_template},
             {"ByteLevel", read_byte_level},
             {"RobertaProcessing", read_classes},
             {"BertProcessing", read_classes}};

static rj_status read_any(const rj_json *j, const json_t *o, const rj_frame *inner, rj_frame *frame)
{
    rj_status st = RJ_OK;
    const char *type = NULL;

    RJ_REQUIRE(json_is_object(o), RJ_ERR_FORMAT, "%s: post_processor: a JSON object {\"type\": ..} is needed",
               j->path);
    RJ_TRY(rj_json_string(j, o, "type", true, &type));
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(KINDS[i].name, type) == 0) return KINDS[i].read(j, o, inner, frame);
    RJ_FAIL(RJ_ERR_FORMAT,
            "%s: post_processor \"%s\" is not supported; supported: Sequence, TemplateProcessing, ByteLevel, "
            "RobertaProcessing, BertProcessing",
            j->path, type);
done:
    return st;
}

rj_status rj_postprocessor_read(const rj_json *j, const json_t *value, rj_frame *frame)
{
    int32_t text[] = {RJ_FRAME_TEXT};
    const rj_frame alone = {text, 1, 1};

    if (value == NULL || json_is_null(value)) return add_inner(&alone, frame);
    return read_any(j, value, &alone, frame);
}
