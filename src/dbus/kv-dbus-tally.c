/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-tally.h"

#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-methods.h"

#include <string.h>

/* What may come of a call: one of our errors, or */
enum {
  OUTCOME_OTHER = KV_N_ERRORS, /* another error, such as one about parameters */
  OUTCOME_OK,
  OUTCOME_DROPPED, /* nothing, as the connection was lost */
  N_OUTCOMES,
};

/* Calls are answered in whichever thread has the answer, so that these are added to atomically; what that costs is little
 * beside a call. */
struct _KvDbusTally {
  gatomicrefcount references;
  guint64 calls[KV_DBUS_N_METHODS][N_OUTCOMES]; /* atomic */
  guint64 watches;                              /* atomic */
  guint64 events;                               /* atomic */
  guint64 resets;                               /* atomic */
  gint connected;                               /* atomic: gboolean */
};

static void
add (guint64 *counter, guint64 n)
{
  __atomic_fetch_add (counter, n, __ATOMIC_RELAXED);
}

KvDbusTally *
kv_dbus_tally_new (void)
{
  KvDbusTally *tally = g_new0 (KvDbusTally, 1);

  g_atomic_ref_count_init (&tally->references);

  return tally;
}

KvDbusTally *
kv_dbus_tally_ref (KvDbusTally *tally)
{
  g_atomic_ref_count_inc (&tally->references);

  return tally;
}

void
kv_dbus_tally_unref (KvDbusTally *tally)
{
  if (g_atomic_ref_count_dec (&tally->references))
    g_free (tally);
}

static guint
find_outcome (const char *error_name)
{
  if (error_name == NULL)
    return OUTCOME_OK;
  if (*error_name == '\0')
    return OUTCOME_DROPPED;
  for (guint i = 0; i < KV_N_ERRORS; i++)
    {
      if (strcmp (error_name, kv_dbus_error_get_name ((KvError) i)) == 0)
        return i;
    }

  return OUTCOME_OTHER;
}

void
kv_dbus_tally_count_call (KvDbusTally *tally, guint method, const char *error_name)
{
  add (&tally->calls[method][find_outcome (error_name)], 1);
}

void
kv_dbus_tally_add_watches (KvDbusTally *tally, int n)
{
  add (&tally->watches, (guint64) (gint64) n);
}

void
kv_dbus_tally_count_events (KvDbusTally *tally, guint n)
{
  add (&tally->events, n);
}

void
kv_dbus_tally_count_reset (KvDbusTally *tally)
{
  add (&tally->resets, 1);
}

void
kv_dbus_tally_set_connected (KvDbusTally *tally, gboolean connected)
{
  g_atomic_int_set (&tally->connected, connected);
}

static const char *
get_outcome_name (guint outcome)
{
  switch (outcome)
    {
    case OUTCOME_OK:
      return "ok";
    case OUTCOME_OTHER:
      return "other";
    case OUTCOME_DROPPED:
      return "dropped";
    default:
      return strrchr (kv_dbus_error_get_name ((KvError) outcome), '.') + 1;
    }
}

static void
write_calls (KvMetricsWriter *writer, const KvDbusTally *tally)
{
  kv_metrics_writer_begin (writer, "kvstore_dbus_calls", KV_METRIC_COUNTER, NULL,
                           "Calls of our methods over D-Bus, by what came of them.");
  for (guint number = 0; number < KV_DBUS_N_METHODS; number++)
    {
      const KvDbusMethod *method = kv_dbus_methods_get (number);

      for (guint outcome = 0; method != NULL && outcome < N_OUTCOMES; outcome++)
        {
          guint64 count = kv_counter_read (&tally->calls[number][outcome]);

          if (count > 0 || outcome == OUTCOME_OK)
            kv_metrics_writer_add (writer, count, "method", method->name, "outcome",
                                   get_outcome_name (outcome), NULL);
        }
    }
}

static void
write_one (KvMetricsWriter *writer,
           const char *name,
           KvMetricType type,
           const char *help,
           guint64 value)
{
  kv_metrics_writer_begin (writer, name, type, NULL, help);
  kv_metrics_writer_add (writer, value, NULL);
}

void
kv_dbus_tally_write (KvMetricsWriter *writer, gpointer user_data)
{
  const KvDbusTally *tally = user_data;

  write_calls (writer, tally);
  write_one (writer, "kvstore_dbus_connected", KV_METRIC_GAUGE,
             "Whether the service has its name on the bus: 1 or 0.",
             g_atomic_int_get (&tally->connected) ? 1 : 0);
  write_one (writer, "kvstore_dbus_watches", KV_METRIC_GAUGE, "Watches over D-Bus.",
             kv_counter_read (&tally->watches));
  write_one (writer, "kvstore_dbus_watch_events", KV_METRIC_COUNTER,
             "Values and changes that were told to the owners of watches over D-Bus.",
             kv_counter_read (&tally->events));
  write_one (writer, "kvstore_dbus_watch_resets", KV_METRIC_COUNTER,
             "How often a watch over D-Bus began anew, as it had lagged too far behind or resumed "
             "too far back.",
             kv_counter_read (&tally->resets));
}
