/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-json-text.h"

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
skip_string (const char *text, gsize length, gsize start)
{
  gsize i = start + 1;

  while (i < length && text[i] != '"')
    i += text[i] == '\\' ? 2 : 1;
  return i;
}

gboolean
kv_json_text_check_bounds (const char *text, gsize length, GError **error)
{
  Level levels[KV_JSON_TEXT_MAX_DEPTH + 1] = { 0 };
  guint depth = 0;
  guint values = 1;

  for (gsize i = 0; i < length; i++)
    switch (text[i])
      {
      case '"':
        i = skip_string (text, length, i);
        break;
      case '[':
      case '{':
        if (depth == KV_JSON_TEXT_MAX_DEPTH)
          return refuse (error, KV_ERROR_INVALID_ARGUMENT, "The JSON nests too deep");
        levels[++depth] = (Level){ text[i] == '{', 0 };
        values++;
        break;
      case ']':
      case '}':
        if (depth == 0)
          return TRUE;
        depth--;
        break;
      case ':':
        if (levels[depth].object && ++levels[depth].members > KV_JSON_TEXT_MAX_MEMBERS)
          return refuse (error, KV_ERROR_INVALID_ARGUMENT,
                         "An object of the JSON has too many members");
        break;
      case ',':
        if (++values > KV_JSON_TEXT_MAX_VALUES)
          return refuse (error, KV_ERROR_TOO_LARGE, "The JSON holds too many values");
        break;
      default:
        break;
      }
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
kv_json_text_append_string (GString *out, const char *text, gsize length)
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
