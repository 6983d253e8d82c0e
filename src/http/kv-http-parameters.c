/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-parameters.h"

#include "core/kv-error-details.h"
#include "core/kv-timestamp.h"
#include "http/kv-http-uri.h"

#include <string.h>

/* No name of ours is longer. What a client calls a parameter is told up to here. */
#define MAX_NAME 64

/* Room for every value: a cursor or a key, each with some bytes to spare. */
#define MAX_VALUE 4096

G_STATIC_ASSERT (MAX_VALUE > KV_KEY_MAX_BYTES);

typedef struct {
  char text[MAX_NAME + sizeof "…"];
} Name;

/* What a person would recognise: the name as it was meant, or as it came where that is no text. */
static void
tell_name (KvHttpSpan name, Name *told)
{
  gsize length;

  if (kv_http_uri_decode (name, TRUE, told->text, MAX_NAME, &length) == KV_HTTP_DECODED
      && g_utf8_validate_len (told->text, length, NULL))
    told->text[length] = '\0';
  else
    g_snprintf (told->text, sizeof told->text, "%.*s%s", (int) MIN (name.length, MAX_NAME),
                name.data, name.length > MAX_NAME ? "…" : "");
}

/* How many letters have to be put in, left out or replaced to make one word of the other; case does not count. */
static guint
count_edits (const char *one, const char *other)
{
  guint row[MAX_NAME + 1];
  gsize width = strlen (other);

  if (width > MAX_NAME)
    return G_MAXUINT;
  for (guint j = 0; j <= width; j++)
    row[j] = j;
  for (guint i = 1; one[i - 1] != '\0'; i++)
    {
      guint diagonal = row[0];

      row[0] = i;
      for (guint j = 1; j <= width; j++)
        {
          gboolean same = g_ascii_tolower (one[i - 1]) == g_ascii_tolower (other[j - 1]);
          guint replaced = diagonal + !same;

          diagonal = row[j];
          row[j] = MIN (replaced, MIN (row[j], row[j - 1]) + 1);
        }
    }
  return row[width];
}

/* Returns: (nullable): what @name may have been meant to be */
static const char *
find_similar (const char *name, const KvHttpParameter *parameters, guint length)
{
  const char *similar = NULL;
  guint fewest = 3;

  for (guint i = 0; i < length; i++)
    {
      guint edits = count_edits (name, parameters[i].name);

      if (edits < fewest && 2 * edits <= strlen (parameters[i].name))
        {
          fewest = edits;
          similar = parameters[i].name;
        }
    }
  return similar;
}

static gboolean
refuse_unknown (KvHttpSpan name, const KvHttpParameter *parameters, guint length, GError **error)
{
  const char *similar;
  Name told;

  tell_name (name, &told);
  similar = find_similar (told.text, parameters, length);
  if (similar != NULL)
    return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, told.text,
                               "There is no parameter \"%s\" here; is \"%s\" meant?", told.text,
                               similar);
  return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, told.text,
                             "There is no parameter \"%s\" here", told.text);
}

static gboolean
refuse_value (const KvHttpParameter *parameter, const char *wanted, GError **error)
{
  return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, parameter->name, "\"%s\" must be %s",
                             parameter->name, wanted);
}

static gboolean
is_text (KvHttpSpan value, const char *text)
{
  return value.length == strlen (text) && memcmp (value.data, text, value.length) == 0;
}

static gboolean
read_flag (const KvHttpParameter *parameter,
           KvHttpSpan value,
           KvHttpArgument *argument,
           GError **error)
{
  argument->flag = value.data == NULL || is_text (value, "true");
  return argument->flag || is_text (value, "false")
         || refuse_value (parameter, "true or false, or without a value", error);
}

static gboolean
read_choice (const KvHttpParameter *parameter,
             KvHttpSpan value,
             KvHttpArgument *argument,
             GError **error)
{
  g_autofree char *words = NULL;

  for (argument->choice = 0; parameter->choices[argument->choice] != NULL; argument->choice++)
    if (is_text (value, parameter->choices[argument->choice]))
      return TRUE;
  words = g_strjoinv (" or ", (char **) parameter->choices);
  return refuse_value (parameter, words, error);
}

static gboolean
read_count (const KvHttpParameter *parameter,
            KvHttpSpan value,
            KvHttpArgument *argument,
            GError **error)
{
  guint64 most = parameter->most > 0 ? parameter->most : G_MAXUINT64;
  g_autofree char *wanted = NULL;

  if (kv_http_uri_parse_decimal (value, &argument->count) && argument->count >= parameter->least
      && argument->count <= most)
    return TRUE;
  wanted = g_strdup_printf ("a whole number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                            parameter->least, most);
  return refuse_value (parameter, wanted, error);
}

static gboolean
parse_integer (KvHttpSpan value, gint64 *integer)
{
  gboolean negative = value.length > 0 && value.data[0] == '-';
  KvHttpSpan digits = { value.data + negative, value.length - negative };
  guint64 size;

  if (!kv_http_uri_parse_decimal (digits, &size) || size > (guint64) G_MAXINT64 + negative)
    return FALSE;
  /* Of the smallest number the size is no signed one. */
  *integer = (gint64) (negative ? -size : size);
  return TRUE;
}

/* Whole seconds, and what stands behind a point, if there is one. */
static gboolean
parse_seconds (KvHttpSpan value, gint64 *microseconds)
{
  const char *point = memchr (value.data, '.', value.length);
  KvHttpSpan whole = { value.data, point != NULL ? (gsize) (point - value.data) : value.length };
  gint64 unit = G_USEC_PER_SEC, fraction = 0;
  guint64 seconds;

  if (!kv_http_uri_parse_decimal (whole, &seconds) || seconds >= G_MAXINT64 / G_USEC_PER_SEC
      || (point != NULL && whole.length + 1 == value.length))
    return FALSE;
  for (gsize i = whole.length + 1; i < value.length; i++)
    {
      if (!g_ascii_isdigit (value.data[i]))
        return FALSE;
      unit /= 10;
      fraction += unit * g_ascii_digit_value (value.data[i]);
    }
  *microseconds = (gint64) seconds * G_USEC_PER_SEC + fraction;
  return TRUE;
}

static gboolean
check_key (const KvHttpParameter *parameter, KvHttpSpan value, GError **error)
{
  GError *problem = NULL;

  if (kv_key_validate (value.data, (gssize) value.length, &problem))
    return TRUE;
  kv_error_set_subject (problem, parameter->name);
  g_propagate_error (error, problem);
  return FALSE;
}

static gboolean
read_text (const KvHttpParameter *parameter,
           KvHttpSpan value,
           KvHttpArgument *argument,
           GError **error)
{
  gboolean is_key = parameter->kind == KV_HTTP_PARAMETER_KEY
                    || (parameter->kind == KV_HTTP_PARAMETER_PREFIX && value.length > 0);

  if (is_key && !check_key (parameter, value, error))
    return FALSE;
  if (!g_utf8_validate_len (value.data, value.length, NULL))
    return refuse_value (parameter, "UTF-8 without U+0000", error);
  if (argument->texts == NULL)
    argument->texts = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (argument->texts, g_strndup (value.data, value.length));
  return TRUE;
}

/* @value is decoded. */
static gboolean
read_value (const KvHttpParameter *parameter,
            KvHttpSpan value,
            KvHttpArgument *argument,
            GError **error)
{
  if (value.data == NULL && parameter->kind != KV_HTTP_PARAMETER_FLAG)
    return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, parameter->name,
                               "The parameter \"%s\" needs a value", parameter->name);
  switch (parameter->kind)
    {
    case KV_HTTP_PARAMETER_FLAG:
      return read_flag (parameter, value, argument, error);
    case KV_HTTP_PARAMETER_CHOICE:
      return read_choice (parameter, value, argument, error);
    case KV_HTTP_PARAMETER_COUNT:
      return read_count (parameter, value, argument, error);
    case KV_HTTP_PARAMETER_INTEGER:
      return parse_integer (value, &argument->integer)
             || refuse_value (parameter, "a decimal integer of 64 bits", error);
    case KV_HTTP_PARAMETER_SECONDS:
      return parse_seconds (value, &argument->microseconds)
             || refuse_value (parameter, "a number of seconds, such as 60 or 0.5", error);
    case KV_HTTP_PARAMETER_TIME:
      return kv_timestamp_parse (value.data, value.length, &argument->microseconds)
             || refuse_value (parameter, "a time such as 2026-01-31T12:00:00Z", error);
    case KV_HTTP_PARAMETER_TEXT:
    case KV_HTTP_PARAMETER_KEY:
    case KV_HTTP_PARAMETER_PREFIX:
      return read_text (parameter, value, argument, error);
    }
  g_assert_not_reached ();
}

static gboolean
decode_and_read (const KvHttpParameter *parameter,
                 KvHttpSpan value,
                 KvHttpArgument *argument,
                 GError **error)
{
  gboolean plus_is_space = parameter->kind != KV_HTTP_PARAMETER_TIME;
  char buffer[MAX_VALUE];

  if (value.data != NULL)
    {
      switch (kv_http_uri_decode (value, plus_is_space, buffer, sizeof buffer, &value.length))
        {
        case KV_HTTP_BROKEN_ESCAPE:
          return kv_error_set_about (
            error, KV_ERROR_INVALID_ARGUMENT, parameter->name,
            "The parameter \"%s\" holds a '%%' that two hexadecimal digits do not follow",
            parameter->name);
        case KV_HTTP_NO_ROOM:
          return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, parameter->name,
                                     "The parameter \"%s\" is too long", parameter->name);
        case KV_HTTP_DECODED:
          value.data = buffer;
          break;
        }
    }
  argument->given = TRUE;
  return read_value (parameter, value, argument, error);
}

/* Returns: the place of the parameter of that name, or @length */
static guint
find (KvHttpSpan name, const KvHttpParameter *parameters, guint length)
{
  char decoded[MAX_NAME];
  guint place = 0;

  if (kv_http_uri_decode (name, TRUE, decoded, sizeof decoded, &name.length) != KV_HTTP_DECODED)
    return length;
  name.data = decoded;
  while (place < length && !is_text (name, parameters[place].name))
    place++;
  return place;
}

/* What is against the parameter at @place when those before it are there. */
static gboolean
check_company (const KvHttpParameter *parameters,
               guint length,
               const KvHttpArgument *arguments,
               guint place,
               GError **error)
{
  const KvHttpParameter *parameter = &parameters[place];

  if (arguments[place].given && !parameter->repeats)
    return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, parameter->name,
                               "The parameter \"%s\" is there more than once", parameter->name);
  for (guint i = 0; i < length && parameter->group != 0; i++)
    if (i != place && arguments[i].given && parameters[i].group == parameter->group)
      return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, parameter->name,
                                 "\"%s\" and \"%s\" exclude each other", parameters[i].name,
                                 parameter->name);
  return TRUE;
}

static gboolean
read_pair (const KvHttpPair *pair,
           const KvHttpParameter *parameters,
           guint length,
           KvHttpArgument *arguments,
           GError **error)
{
  guint place;

  if (pair->name.length == 0 && pair->value.data == NULL)
    return TRUE;
  place = find (pair->name, parameters, length);
  if (place == length)
    return refuse_unknown (pair->name, parameters, length, error);
  return check_company (parameters, length, arguments, place, error)
         && decode_and_read (&parameters[place], pair->value, &arguments[place], error);
}

gboolean
kv_http_parameters_read (KvHttpSpan query,
                         const KvHttpParameter *parameters,
                         guint length,
                         KvHttpArgument *arguments,
                         GError **error)
{
  KvHttpPair pair;

  for (guint i = 0; i < length; i++)
    arguments[i] = (KvHttpArgument){ 0 };
  while (kv_http_uri_next_pair (&query, &pair))
    if (!read_pair (&pair, parameters, length, arguments, error))
      {
        kv_http_arguments_clear (arguments, length);
        return FALSE;
      }
  return TRUE;
}

gboolean
kv_http_parameters_read_none (KvHttpSpan query, GError **error)
{
  return kv_http_parameters_read (query, NULL, 0, NULL, error);
}

void
kv_http_arguments_clear (KvHttpArgument *arguments, guint length)
{
  for (guint i = 0; i < length; i++)
    g_clear_pointer (&arguments[i].texts, g_ptr_array_unref);
}
