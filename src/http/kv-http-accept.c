/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-accept.h"

#define BEST 1000

static KvHttpSpan
trim (const char *begin, const char *end)
{
  while (begin < end && (*begin == ' ' || *begin == '\t'))
    begin++;
  while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
    end--;
  return (KvHttpSpan){ begin, (gsize) (end - begin) };
}

/* Takes what stands before the next @mark off @rest. Quoted strings may hold marks. */
static KvHttpSpan
take_part (KvHttpSpan *rest, char mark)
{
  const char *begin = rest->data;
  const char *end = begin + rest->length;
  const char *at = begin;
  gboolean quoted = FALSE;

  for (; at < end && (quoted || *at != mark); at++)
    if (*at == '"')
      quoted = !quoted;
    else if (quoted && *at == '\\' && at + 1 < end)
      at++;
  rest->data = at < end ? at + 1 : NULL;
  rest->length = at < end ? (gsize) (end - at) - 1 : 0;
  return trim (begin, at);
}

static gboolean
equals (KvHttpSpan span, const char *text, gsize length)
{
  return span.length == length && g_ascii_strncasecmp (span.data, text, length) == 0;
}

/* How closely a range names @type: 3 for the type itself, 2 for all of its kind, 1 for all, 0 for others. */
static guint
match (KvHttpSpan range, const char *type)
{
  gsize kind = (gsize) (strchr (type, '/') - type) + 1;

  if (equals (range, type, strlen (type)))
    return 3;
  if (range.length == kind + 1 && range.data[kind] == '*'
      && g_ascii_strncasecmp (range.data, type, kind) == 0)
    return 2;
  return equals (range, "*/*", strlen ("*/*")) ? 1 : 0;
}

/* 0 to 1, with three digits at most behind the point. */
static guint
parse_weight (KvHttpSpan text)
{
  guint weight = 0;
  guint unit = BEST;

  if (text.length == 0 || text.length > strlen ("0.000")
      || (text.length > 1 && text.data[1] != '.'))
    return 0;
  for (gsize i = 0; i < text.length; i++)
    {
      if (i == 1)
        continue;
      if (!g_ascii_isdigit (text.data[i]))
        return 0;
      weight += (guint) g_ascii_digit_value (text.data[i]) * unit;
      unit /= 10;
    }
  return weight <= BEST ? weight : 0;
}

static guint
get_weight (KvHttpSpan parameters)
{
  guint weight = BEST;

  while (parameters.data != NULL)
    {
      KvHttpSpan one = take_part (&parameters, ';');

      if (one.length >= 2 && (one.data[0] == 'q' || one.data[0] == 'Q') && one.data[1] == '=')
        weight = parse_weight ((KvHttpSpan){ one.data + 2, one.length - 2 });
    }
  return weight;
}

guint
kv_http_accept_get_quality (KvHttpSpan accept, const char *type)
{
  guint closest = 0;
  guint quality = 0;

  if (accept.data == NULL)
    return BEST;
  while (accept.data != NULL)
    {
      KvHttpSpan element = take_part (&accept, ',');
      KvHttpSpan range = take_part (&element, ';');
      guint close = match (range, type);
      guint weight = get_weight (element);

      if (close > closest || (close == closest && close > 0 && weight > quality))
        {
          closest = close;
          quality = weight;
        }
    }
  return quality;
}
