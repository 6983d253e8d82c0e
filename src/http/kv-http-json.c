/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-json.h"

#include "core/kv-error-details.h"
#include "core/kv-json-text.h"

/* So many characters of a member's name are told to its sender. */
#define MAX_TOLD 64

static gboolean
refuse (GError **error, KvError code, const char *reason)
{
  g_set_error_literal (error, KV_ERROR, (int) code, reason);
  return FALSE;
}

static void
set_parse_error (GError **error, const json_error_t *problem)
{
  switch ((int) json_error_code (problem))
    {
    case json_error_duplicate_key:
      refuse (error, KV_ERROR_UNPROCESSABLE, "An object of the JSON body has a member twice");
      break;
    case json_error_null_byte_in_key:
      refuse (error, KV_ERROR_UNPROCESSABLE, "The name of a JSON member holds U+0000");
      break;
    case json_error_numeric_overflow:
      refuse (error, KV_ERROR_UNPROCESSABLE, "A number of the JSON body is out of range");
      break;
    default:
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                   "The body is not valid JSON (line %d, column %d)", problem->line,
                   problem->column);
      break;
    }
}

json_t *
kv_http_json_parse (KvHttpSpan body, GError **error)
{
  const gsize flags = JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES;
  json_error_t problem;
  json_t *value;

  if (body.length == 0)
    {
      refuse (error, KV_ERROR_INVALID_ARGUMENT, "There is no JSON body");
      return NULL;
    }
  if (!kv_json_text_check_bounds (body.data, body.length, error))
    return NULL;
  value = json_loadb (body.data, body.length, flags, &problem);
  if (value == NULL)
    set_parse_error (error, &problem);
  return value;
}

gboolean
kv_http_json_get_string (const json_t *object, const char *name, KvHttpSpan *text, GError **error)
{
  const json_t *member = json_object_get (object, name);

  if (!json_is_string (member))
    return kv_error_set_about (
      error, KV_ERROR_UNPROCESSABLE, name,
      member == NULL ? "The member \"%s\" is missing" : "\"%s\" must be a string", name);
  text->data = json_string_value (member);
  text->length = json_string_length (member);
  return TRUE;
}

gboolean
kv_http_json_check_members (const json_t *object, const char *const *names, GError **error)
{
  const char *name;
  json_t *value;

  json_object_foreach ((json_t *) object, name, value) if (!g_strv_contains (names, name))
  {
    g_autofree char *told = g_utf8_substring (name, 0, MIN (g_utf8_strlen (name, -1), MAX_TOLD));

    return kv_error_set_about (error, KV_ERROR_UNPROCESSABLE, told,
                               "There is no member \"%s\" here", told);
  }
  return TRUE;
}
