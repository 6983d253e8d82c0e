/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-json.h"

#include "core/kv-error.h"

/* What is open at one depth of the text. */
typedef struct {
  gboolean object;
  guint members;
} Level;

static gboolean
refuse (GError **error, KvError code, const char *reason)
{
  g_set_error_literal (error, KV_ERROR, (int) code, reason);
  return FALSE;
}

/* Returns the index of the quotation mark that ends the string, or the length of the text. */
static gsize
skip_string (KvHttpSpan body, gsize start)
{
  gsize i = start + 1;

  while (i < body.length && body.data[i] != '"')
    i += body.data[i] == '\\' ? 2 : 1;
  return i;
}

/* Goes before the parser, which recurses and allocates: bounds what it will meet. Leaves the syntax
 * to it. */
static gboolean
check_bounds (KvHttpSpan body, GError **error)
{
  Level levels[KV_HTTP_JSON_MAX_DEPTH + 1] = { 0 };
  guint depth = 0;
  guint values = 1;

  for (gsize i = 0; i < body.length; i++)
    switch (body.data[i])
      {
      case '"':
        i = skip_string (body, i);
        break;
      case '[':
      case '{':
        if (depth == KV_HTTP_JSON_MAX_DEPTH)
          return refuse (error, KV_ERROR_INVALID_ARGUMENT, "The JSON body nests too deep");
        levels[++depth] = (Level){ body.data[i] == '{', 0 };
        values++;
        break;
      case ']':
      case '}':
        if (depth == 0)
          return TRUE;
        depth--;
        break;
      case ':':
        if (levels[depth].object && ++levels[depth].members > KV_HTTP_JSON_MAX_MEMBERS)
          return refuse (error, KV_ERROR_INVALID_ARGUMENT,
                         "An object of the JSON body has too many members");
        break;
      case ',':
        if (++values > KV_HTTP_JSON_MAX_VALUES)
          return refuse (error, KV_ERROR_TOO_LARGE, "The JSON body holds too many values");
        break;
      default:
        break;
      }
  return TRUE;
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
  if (!check_bounds (body, error))
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
    {
      g_set_error (error, KV_ERROR, KV_ERROR_UNPROCESSABLE,
                   member == NULL ? "The member \"%s\" is missing" : "\"%s\" must be a string",
                   name);
      return FALSE;
    }
  text->data = json_string_value (member);
  text->length = json_string_length (member);
  return TRUE;
}

/* RFC 8259, section 7: only these must be escaped. */
static gboolean
needs_escape (char c)
{
  return (guchar) c < 0x20 || c == '"' || c == '\\';
}

static void
append_code_point (GString *out, guchar c)
{
  static const char digits[] = "0123456789abcdef";
  const char escape[] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

  g_string_append_len (out, escape, sizeof escape);
}

static void
append_escape (GString *out, char c)
{
  switch (c)
    {
    case '"':
      g_string_append_len (out, "\\\"", 2);
      break;
    case '\\':
      g_string_append_len (out, "\\\\", 2);
      break;
    case '\n':
      g_string_append_len (out, "\\n", 2);
      break;
    case '\r':
      g_string_append_len (out, "\\r", 2);
      break;
    case '\t':
      g_string_append_len (out, "\\t", 2);
      break;
    default:
      append_code_point (out, (guchar) c);
      break;
    }
}

void
kv_http_json_append_string (GString *out, const char *text, gsize length)
{
  gsize start = 0;

  g_string_append_c (out, '"');
  for (gsize i = 0; i < length; i++)
    if (G_UNLIKELY (needs_escape (text[i])))
      {
        g_string_append_len (out, text + start, (gssize) (i - start));
        append_escape (out, text[i]);
        start = i + 1;
      }
  g_string_append_len (out, text + start, (gssize) (length - start));
  g_string_append_c (out, '"');
}
