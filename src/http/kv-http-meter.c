/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-meter.h"

#define FOR_EACH_STATUS(slot)                                                                      \
  slot (200, 1) slot (201, 2) slot (202, 3) slot (204, 4) slot (206, 5) slot (304, 6)              \
    slot (400, 7) slot (401, 8) slot (403, 9) slot (404, 10) slot (405, 11) slot (406, 12)         \
      slot (408, 13) slot (409, 14) slot (410, 15) slot (411, 16) slot (412, 17) slot (413, 18)    \
        slot (414, 19) slot (415, 20) slot (416, 21) slot (417, 22) slot (421, 23) slot (422, 24)  \
          slot (426, 25) slot (428, 26) slot (429, 27) slot (431, 28) slot (500, 29)               \
            slot (501, 30) slot (503, 31) slot (505, 32) slot (507, 33)

#define SLOT_OF_STATUS(status, slot) [status] = (slot),
const guint8 kv_http_meter_slots[KV_HTTP_METER_MAX_STATUS] = { FOR_EACH_STATUS (SLOT_OF_STATUS) };

#define STATUS_OF_SLOT(status, slot) [slot] = (status),
static const guint16 statuses[] = { FOR_EACH_STATUS (STATUS_OF_SLOT) };
G_STATIC_ASSERT (G_N_ELEMENTS (statuses) == KV_HTTP_METER_STATUSES);

KvHttpMeter *
kv_http_meter_new (void)
{
  return g_new0 (KvHttpMeter, 1);
}

void
kv_http_meter_free (KvHttpMeter *meter)
{
  g_free (meter);
}

static void
on_turn (gpointer meter, gint64 duration)
{
  kv_http_meter_settle (meter, duration);
}

void
kv_http_meter_attach (KvHttpMeter *meter, KvHttpPoller *poller)
{
  meter->poller = poller;
  kv_http_poller_set_turn_func (poller, on_turn, meter);
}

void
kv_http_meter_settle (KvHttpMeter *meter, gint64 duration)
{
  for (guint i = 0; i < meter->n_notes; i++)
    kv_histogram_observe (&meter->latencies[meter->notes[i]], duration);
  meter->n_notes = 0;
}

void
kv_http_meter_take_time (KvHttpMeter *meter, guint route, gint64 begun)
{
  gint64 duration;

  if (begun != 0)
    {
      kv_histogram_observe (&meter->latencies[route], g_get_monotonic_time () - begun);
      return;
    }
  duration = kv_http_poller_get_duration (meter->poller);
  kv_http_meter_settle (meter, duration);
  kv_histogram_observe (&meter->latencies[route], duration);
}

guint
kv_http_meter_get_status (guint slot)
{
  return statuses[slot];
}
