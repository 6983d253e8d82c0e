/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-codec.h"

#include "core/kv-clock.h"
#include "dbus/kv-dbus-limits.h"
#include "kv-config.h"
#include "store/kv-status.h"

#include <string.h>

/* Deadlines later than this are told as the last second that RFC 3339 can tell. */
#define LAST_YEAR_9999 G_GINT64_CONSTANT (253402300799)

gboolean
kv_dbus_codec_is_text (const KvEntry *entry)
{
  gsize length;
  const char *value = kv_entry_get_value (entry, &length);

  return memchr (value, '\0', length) == NULL;
}

/* The value of @entry, of which the first @size bytes are a serialised @type. */
static GVariant *
borrow_value (KvEntry *entry, const GVariantType *type, gsize size)
{
  return g_variant_new_from_data (type, kv_entry_get_value (entry, NULL), size, TRUE,
                                  (GDestroyNotify) kv_entry_unref, kv_entry_ref (entry));
}

GVariant *
kv_dbus_codec_bytes (KvEntry *entry)
{
  gsize length;

  kv_entry_get_value (entry, &length);

  return borrow_value (entry, G_VARIANT_TYPE_BYTESTRING, length);
}

GVariant *
kv_dbus_codec_string (KvEntry *entry)
{
  gsize length;

  kv_entry_get_value (entry, &length);

  /* It is valid UTF-8, and the NUL that a string of GVariant ends with stands behind it. */
  return borrow_value (entry, G_VARIANT_TYPE_STRING, length + 1);
}

GVariant *
kv_dbus_codec_text (KvEntry *entry, KvDbusDetails *details, gsize *budget)
{
  gsize length;

  kv_entry_get_value (entry, &length);
  if (length > *budget)
    {
      kv_dbus_details_add (details, KV_DBUS_DETAIL_VALUE_OMITTED, g_variant_new_boolean (TRUE));
      return g_variant_new_string ("");
    }
  *budget -= length;
  if (!kv_dbus_codec_is_text (entry))
    {
      kv_dbus_details_add (details, KV_DBUS_DETAIL_VALUE_BYTES, kv_dbus_codec_bytes (entry));
      return g_variant_new_string ("");
    }

  return kv_dbus_codec_string (entry);
}

GVariant *
kv_dbus_codec_pair (GVariant *first, GVariant *second)
{
  GVariant *const values[] = { first, second };

  return g_variant_new_tuple (values, G_N_ELEMENTS (values));
}

/* As RFC 3339 has it, in UTC and to the millisecond. */
static GVariant *
expires_new (gint64 deadline)
{
  /* Halved, so that the way to the wall clock cannot leave 64 bits. */
  gint64 wall = kv_clock_to_wall (MIN (deadline, G_MAXINT64 / 2));
  gint64 seconds = CLAMP (wall / G_USEC_PER_SEC, 0, LAST_YEAR_9999);
  int milliseconds = wall > 0 ? (int) (wall / 1000 % 1000) : 0;
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);
  g_autofree char *text = g_date_time_format (time, "%Y-%m-%dT%H:%M:%S");

  return g_variant_new_printf ("%s.%03dZ", text, milliseconds);
}

static void
add_expires (KvDbusDetails *details, const KvEntry *entry)
{
  gint64 deadline = kv_entry_get_deadline (entry);

  if (deadline != KV_NO_DEADLINE)
    kv_dbus_details_add (details, KV_DBUS_DETAIL_EXPIRES, expires_new (deadline));
}

void
kv_dbus_codec_add_details (KvDbusDetails *details, const KvEntry *entry)
{
  kv_dbus_details_add (details, KV_DBUS_DETAIL_REVISION,
                       g_variant_new_uint64 (kv_entry_get_revision (entry)));
  add_expires (details, entry);
}

static guint
get_http_status (KvResultStatus status)
{
  switch (status)
    {
    case KV_RESULT_FOUND:
      return 200;
    case KV_RESULT_CREATED:
      return 201;
    case KV_RESULT_REPLACED:
    case KV_RESULT_DELETED:
      return 204;
    case KV_RESULT_NOT_FOUND:
      return 404;
    case KV_RESULT_NOT_A_NUMBER:
      return 409;
    case KV_RESULT_CONDITION_FAILED:
    case KV_RESULT_ABORTED:
      return 412;
    default:
      g_assert_not_reached ();
    }
}

GVariant *
kv_dbus_codec_batch_result (const KvResult *result, gsize *budget)
{
  guint status = get_http_status (result->status);
  KvDbusDetails details = { 0 };
  GVariant *values[3];

  if (result->status == KV_RESULT_FOUND)
    {
      gsize length;

      kv_entry_get_value (result->entry, &length);
      if (length > *budget)
        status = 413;
      kv_dbus_codec_add_details (&details, result->entry);
      values[1] = kv_dbus_codec_text (result->entry, &details, budget);
    }
  else
    {
      if (result->revision != 0)
        kv_dbus_details_add (&details, KV_DBUS_DETAIL_REVISION,
                             g_variant_new_uint64 (result->revision));
      values[1] = g_variant_new_string ("");
    }
  values[0] = g_variant_new_uint32 (status);
  values[2] = kv_dbus_details_end (&details);

  return g_variant_new_tuple (values, G_N_ELEMENTS (values));
}

static KvDbusChangeKind
get_change_kind (KvChangeKind kind)
{
  switch (kind)
    {
    case KV_CHANGE_PUT:
      return KV_DBUS_CHANGE_PUT;
    case KV_CHANGE_DELETE:
      return KV_DBUS_CHANGE_DELETE;
    case KV_CHANGE_SWAP:
      return KV_DBUS_CHANGE_SWAP;
    case KV_CHANGE_EXPIRED:
      return KV_DBUS_CHANGE_EXPIRED;
    default:
      g_assert_not_reached ();
    }
}

/* @entry: (nullable): what the key holds now */
static GVariant *
change_new (guint64 revision,
            KvDbusChangeKind kind,
            const char *key,
            KvEntry *entry,
            KvDbusDetails *details)
{
  gsize budget = KV_DBUS_MAX_REPLY_BYTES;
  GVariant *values[5];

  if (entry != NULL)
    {
      add_expires (details, entry);
      values[3] = kv_dbus_codec_text (entry, details, &budget);
    }
  else
    {
      values[3] = g_variant_new_string ("");
    }
  values[0] = g_variant_new_uint64 (revision);
  values[1] = g_variant_new_uint32 (kind);
  values[2] = g_variant_new_string (key);
  values[4] = kv_dbus_details_end (details);

  return g_variant_new_tuple (values, G_N_ELEMENTS (values));
}

GVariant *
kv_dbus_codec_change (const KvWatchEvent *event, gboolean more)
{
  const KvChange *change = &event->change;
  KvDbusDetails details = { 0 };

  switch (event->type)
    {
    case KV_WATCH_SNAPSHOT:
      kv_dbus_details_add (&details, KV_DBUS_DETAIL_PRESENT,
                           g_variant_new_boolean (event->entry != NULL));
      return change_new (event->entry != NULL ? kv_entry_get_revision (event->entry) : 0,
                         KV_DBUS_CHANGE_SNAPSHOT, event->key, event->entry, &details);
    case KV_WATCH_SNAPSHOT_END:
      return change_new (event->revision, KV_DBUS_CHANGE_SNAPSHOT_END, "", NULL, &details);
    case KV_WATCH_CHANGE:
      if (more)
        kv_dbus_details_add (&details, KV_DBUS_DETAIL_MORE, g_variant_new_boolean (TRUE));
      return change_new (change->revision, get_change_kind (change->kind),
                         kv_change_get_key (change, NULL), change->entry, &details);
    case KV_WATCH_RESET:
    default:
      g_assert_not_reached ();
    }
}

GVariant *
kv_dbus_codec_status (const KvStoreStatus *status)
{
  KvStatusFigure figures[KV_STATUS_N_FIGURES];
  g_autofree char *uptime = kv_status_format_uptime (status);
  g_autofree char *server_time = kv_status_format_now ();
  GVariantBuilder builder;

  kv_status_get_figures (status, figures);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "status", g_variant_new_string ("OK"));
  g_variant_builder_add (&builder, "{sv}", "uptime", g_variant_new_string (uptime));
  for (guint i = 0; i < KV_STATUS_N_FIGURES; i++)
    g_variant_builder_add (&builder, "{sv}", figures[i].name,
                           g_variant_new_uint64 (figures[i].value));
  g_variant_builder_add (&builder, "{sv}", "server_time", g_variant_new_string (server_time));
  g_variant_builder_add (&builder, "{sv}", "version", g_variant_new_string (KV_VERSION));

  return g_variant_builder_end (&builder);
}
