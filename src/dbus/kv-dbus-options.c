/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-options.h"

#include "core/kv-clock.h"
#include "core/kv-error.h"
#include "core/kv-timestamp.h"

#include <math.h>

/* Of a name that a stranger chose, what an error message repeats at most. */
#define MAX_QUOTED_CHARACTERS 64

static const struct {
  const char *name;
  KvDbusOption option;
} known_options[] = {
  { "ttl", KV_DBUS_OPTION_TTL },
  { "keepttl", KV_DBUS_OPTION_KEEPTTL },
  { "if_revision", KV_DBUS_OPTION_IF_REVISION },
  { "if_absent", KV_DBUS_OPTION_IF_ABSENT },
  { "since", KV_DBUS_OPTION_SINCE },
  { "mode", KV_DBUS_OPTION_MODE },
  { "dry_run", KV_DBUS_OPTION_DRY_RUN },
  { "expires_at", KV_DBUS_OPTION_EXPIRES_AT },
  { "if_present", KV_DBUS_OPTION_IF_PRESENT },
  { "delimiter", KV_DBUS_OPTION_DELIMITER },
  { "values", KV_DBUS_OPTION_VALUES },
  { "prev", KV_DBUS_OPTION_PREV },
  { "by", KV_DBUS_OPTION_BY },
  { "value_bytes", KV_DBUS_OPTION_VALUE_BYTES },
  { "absent", KV_DBUS_OPTION_ABSENT },
  { "present", KV_DBUS_OPTION_PRESENT },
  { "revision", KV_DBUS_OPTION_REVISION },
  { "not_revision", KV_DBUS_OPTION_NOT_REVISION },
  { "value", KV_DBUS_OPTION_VALUE },
  { "not_value", KV_DBUS_OPTION_NOT_VALUE },
};

/* Options of which a call has one at most. What says the same twice is none of them: "if_present" beside "if_revision". */
static const struct {
  KvDbusOption one;
  KvDbusOption other;
  const char *text;
} contradictions[] = {
  { KV_DBUS_OPTION_TTL, KV_DBUS_OPTION_KEEPTTL, "ttl and keepttl" },
  { KV_DBUS_OPTION_TTL, KV_DBUS_OPTION_EXPIRES_AT, "ttl and expires_at" },
  { KV_DBUS_OPTION_KEEPTTL, KV_DBUS_OPTION_EXPIRES_AT, "keepttl and expires_at" },
  { KV_DBUS_OPTION_IF_REVISION, KV_DBUS_OPTION_IF_ABSENT, "if_revision and if_absent" },
  { KV_DBUS_OPTION_IF_ABSENT, KV_DBUS_OPTION_IF_PRESENT, "if_absent and if_present" },
};

static KvDbusOption
find_option (const char *name, guint allowed)
{
  for (gsize i = 0; i < G_N_ELEMENTS (known_options); i++)
    {
      if ((allowed & known_options[i].option) && g_str_equal (known_options[i].name, name))
        return known_options[i].option;
    }

  return 0;
}

static void
set_unknown_error (const char *name, guint allowed, GError **error)
{
  g_autofree char *quoted = g_utf8_substring (name, 0, g_utf8_strlen (name, MAX_QUOTED_CHARACTERS));
  g_autoptr (GString) known = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (known_options); i++)
    {
      if (allowed & known_options[i].option)
        g_string_append_printf (known, "%s%s", known->len > 0 ? ", " : "", known_options[i].name);
    }

  g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
               "There is no option \"%s\" here; those that there are: %s", quoted,
               known->len > 0 ? known->str : "none");
}

/* Takes every integer type: a shell should not have to spell out uint64, nor a script language know it. */
static gboolean
take_number (KvDbusReader *value, char type, guint64 *number)
{
  gint64 with_sign;

  switch (type)
    {
    case 'y':
      *number = kv_dbus_reader_take_byte (value);
      return TRUE;
    case 'q':
      *number = kv_dbus_reader_take_uint16 (value);
      return TRUE;
    case 'u':
      *number = kv_dbus_reader_take_uint32 (value);
      return TRUE;
    case 't':
      *number = kv_dbus_reader_take_uint64 (value);
      return TRUE;
    case 'n':
      with_sign = (gint16) kv_dbus_reader_take_uint16 (value);
      break;
    case 'i':
      with_sign = (gint32) kv_dbus_reader_take_uint32 (value);
      break;
    case 'x':
      with_sign = (gint64) kv_dbus_reader_take_uint64 (value);
      break;
    default:
      return FALSE;
    }

  *number = (guint64) with_sign;

  return with_sign >= 0;
}

static gboolean
take_duration (KvDbusReader *value, char type, gint64 *microseconds)
{
  guint64 seconds;

  if (type == 'd')
    {
      double wanted = kv_dbus_reader_take_double (value) * G_USEC_PER_SEC;

      if (!isfinite (wanted) || wanted < 0)
        return FALSE;
      *microseconds = wanted < (double) G_MAXINT64 ? (gint64) wanted : G_MAXINT64;
      return TRUE;
    }
  if (!take_number (value, type, &seconds))
    return FALSE;
  *microseconds =
    seconds <= G_MAXINT64 / G_USEC_PER_SEC ? (gint64) seconds * G_USEC_PER_SEC : G_MAXINT64;

  return TRUE;
}

static gboolean
take_mode (KvDbusReader *value, char type, KvRestoreMode *mode)
{
  const char *text = type == 's' ? kv_dbus_reader_take_string (value, NULL) : "";

  if (g_str_equal (text, "replace"))
    *mode = KV_RESTORE_REPLACE;
  else if (g_str_equal (text, "merge"))
    *mode = KV_RESTORE_MERGE;
  else
    return FALSE;

  return TRUE;
}

static gboolean
take_text (KvDbusReader *value, char type, const char **text)
{
  if (type != 's')
    return FALSE;
  *text = kv_dbus_reader_take_string (value, NULL);

  return TRUE;
}

/* What there may be below zero. */
static gboolean
take_difference (KvDbusReader *value, char type, gint64 *difference)
{
  guint64 number;

  switch (type)
    {
    case 'n':
      *difference = (gint16) kv_dbus_reader_take_uint16 (value);
      return TRUE;
    case 'i':
      *difference = (gint32) kv_dbus_reader_take_uint32 (value);
      return TRUE;
    case 'x':
      *difference = (gint64) kv_dbus_reader_take_uint64 (value);
      return TRUE;
    default:
      if (!take_number (value, type, &number) || number > G_MAXINT64)
        return FALSE;
      *difference = (gint64) number;
      return TRUE;
    }
}

static gboolean
take_time (KvDbusReader *value, char type, gint64 *wall)
{
  const char *text;
  gsize length;

  if (type != 's')
    return FALSE;
  text = kv_dbus_reader_take_string (value, &length);

  return kv_timestamp_parse (text, length, wall);
}

/* Bytes will do wherever text does, and hold what it cannot. */
static gboolean
take_value (KvDbusReader *value, const char *type, KvDbusOption option, KvDbusOptions *options)
{
  if (g_str_equal (type, "ay"))
    options->value = (const char *) kv_dbus_reader_take_bytes (value, &options->value_length);
  else if (g_str_equal (type, "s") && option != KV_DBUS_OPTION_VALUE_BYTES)
    options->value = kv_dbus_reader_take_string (value, &options->value_length);
  else
    return FALSE;

  return TRUE;
}

/* @type: of the value */
static gboolean
take_option (KvDbusOptions *options, KvDbusOption option, const char *type, KvDbusReader *value)
{
  /* NUL is nothing that a number or a text can be. */
  char letter = type[0] != '\0' && type[1] == '\0' ? type[0] : '\0';

  switch (option)
    {
    case KV_DBUS_OPTION_TTL:
      return take_duration (value, letter, &options->ttl);
    case KV_DBUS_OPTION_IF_REVISION:
      return take_number (value, letter, &options->if_revision);
    case KV_DBUS_OPTION_SINCE:
      return take_number (value, letter, &options->since);
    case KV_DBUS_OPTION_MODE:
      return take_mode (value, letter, &options->mode);
    case KV_DBUS_OPTION_EXPIRES_AT:
      return take_time (value, letter, &options->expires_at);
    case KV_DBUS_OPTION_DELIMITER:
      return take_text (value, letter, &options->delimiter);
    case KV_DBUS_OPTION_BY:
      return take_difference (value, letter, &options->by);
    case KV_DBUS_OPTION_REVISION:
    case KV_DBUS_OPTION_NOT_REVISION:
      return take_number (value, letter, &options->revision) && options->revision > 0;
    case KV_DBUS_OPTION_VALUE:
    case KV_DBUS_OPTION_NOT_VALUE:
    case KV_DBUS_OPTION_VALUE_BYTES:
      return take_value (value, type, option, options);
    case KV_DBUS_OPTION_PREV:
    case KV_DBUS_OPTION_ABSENT:
    case KV_DBUS_OPTION_PRESENT:
    case KV_DBUS_OPTION_KEEPTTL:
    case KV_DBUS_OPTION_IF_ABSENT:
    case KV_DBUS_OPTION_IF_PRESENT:
    case KV_DBUS_OPTION_DRY_RUN:
    case KV_DBUS_OPTION_VALUES:
      if (letter != 'b')
        return FALSE;
      if (kv_dbus_reader_take_boolean (value))
        return TRUE;
      options->given &= ~(guint) option;
      options->without_values = options->without_values || option == KV_DBUS_OPTION_VALUES;
      return TRUE;
    default:
      g_assert_not_reached ();
    }
}

static const char *
describe_option (KvDbusOption option)
{
  switch (option)
    {
    case KV_DBUS_OPTION_TTL:
      return "a number of seconds, 0 or more";
    case KV_DBUS_OPTION_IF_REVISION:
    case KV_DBUS_OPTION_SINCE:
      return "a revision: an integer, 0 or more";
    case KV_DBUS_OPTION_MODE:
      return "\"merge\" or \"replace\"";
    case KV_DBUS_OPTION_EXPIRES_AT:
      return "a time as RFC 3339 has it, such as \"2026-01-31T12:00:00Z\"";
    case KV_DBUS_OPTION_DELIMITER:
      return "text";
    case KV_DBUS_OPTION_BY:
      return "an integer of 64 bits";
    case KV_DBUS_OPTION_REVISION:
    case KV_DBUS_OPTION_NOT_REVISION:
      return "a revision: an integer, 1 or more";
    case KV_DBUS_OPTION_VALUE:
    case KV_DBUS_OPTION_NOT_VALUE:
      return "a value: text or bytes";
    case KV_DBUS_OPTION_VALUE_BYTES:
      return "bytes";
    case KV_DBUS_OPTION_PREV:
    case KV_DBUS_OPTION_ABSENT:
    case KV_DBUS_OPTION_PRESENT:
    case KV_DBUS_OPTION_KEEPTTL:
    case KV_DBUS_OPTION_IF_ABSENT:
    case KV_DBUS_OPTION_IF_PRESENT:
    case KV_DBUS_OPTION_DRY_RUN:
    case KV_DBUS_OPTION_VALUES:
      return "a boolean";
    default:
      g_assert_not_reached ();
    }
}

static gboolean
check_contradictions (guint given, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (contradictions); i++)
    {
      if ((given & contradictions[i].one) && (given & contradictions[i].other))
        {
          g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                       "The options %s contradict each other", contradictions[i].text);
          return FALSE;
        }
    }

  return TRUE;
}

/* @entry: at an entry of the dictionary */
static gboolean
parse_option (KvDbusReader *entry,
              guint allowed,
              guint *seen,
              KvDbusOptions *options,
              GError **error)
{
  const char *name;
  KvDbusOption option;

  kv_dbus_reader_enter_struct (entry);
  name = kv_dbus_reader_take_string (entry, NULL);
  option = find_option (name, allowed);
  if (option == 0)
    {
      set_unknown_error (name, allowed, error);
      return FALSE;
    }
  if (*seen & option)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                   "The option %s is given more than once", name);
      return FALSE;
    }
  *seen |= option;
  options->given |= option;
  if (take_option (options, option, kv_dbus_reader_enter_variant (entry), entry))
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, "The option %s is to be %s", name,
               describe_option (option));

  return FALSE;
}

gboolean
kv_dbus_options_parse (KvDbusReader *parameters,
                       guint allowed,
                       KvDbusOptions *options,
                       GError **error)
{
  KvDbusReader entries;
  guint seen = 0;

  *options = (KvDbusOptions){ 0 };
  kv_dbus_reader_take_array (parameters, "{sv}", &entries);
  while (kv_dbus_reader_has_more (&entries))
    {
      if (!parse_option (&entries, allowed, &seen, options, error))
        return FALSE;
    }

  return check_contradictions (options->given, error);
}

gint64
kv_dbus_options_get_deadline (const KvDbusOptions *options)
{
  if (options->given & KV_DBUS_OPTION_TTL)
    return kv_clock_deadline_after (options->ttl);
  if (options->given & KV_DBUS_OPTION_EXPIRES_AT)
    return MAX (kv_timestamp_to_deadline (options->expires_at), kv_clock_now ());

  return KV_NO_DEADLINE;
}

void
kv_dbus_options_refine (const KvDbusOptions *options, KvOperation *operation)
{
  operation->keep_deadline = (options->given & KV_DBUS_OPTION_KEEPTTL) != 0;
  if (options->given & KV_DBUS_OPTION_IF_REVISION)
    {
      operation->condition = KV_CONDITION_REVISION;
      operation->if_revision = options->if_revision;
    }
  else if (options->given & KV_DBUS_OPTION_IF_ABSENT)
    {
      operation->condition = KV_CONDITION_ABSENT;
    }
  else if (options->given & KV_DBUS_OPTION_IF_PRESENT)
    {
      operation->condition = KV_CONDITION_PRESENT;
    }
}
