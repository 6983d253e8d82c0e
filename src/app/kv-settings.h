/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store-keeper.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * KvSettings:
 * @show_version: whether only the version is asked for; nothing else has been looked at then
 * @http: (array zero-terminated=1): addresses to listen on, as kv_http_server_listen() takes them; empty for none
 * @http_is_default: whether nobody has named an address, so that one that this machine lacks (IPv6) is not missed
 * @bus: (nullable): `session`, `system` or a D-Bus address; %NULL for none
 * @bus_is_default: whether nobody has named a bus, so that none need be there
 * @database: (nullable): the file in which the keys are kept, or %NULL for memory alone
 * @store_is_default: whether nobody has named a store
 * @durability: what an answered write means
 * @allow_remote: whether HTTP may be served beyond loopback
 * @http_threads: workers of the HTTP door
 * @no_express: whether libsoup answers all requests over HTTP
 * @max_connections: HTTP connections at a time
 * @max_value_size: bytes of a value
 * @rate: requests a second for each client; 0 for no limit
 * @burst: requests that may come at once
 * @log_level: the most talkative level that is logged
 * @ready_fd: where to tell that both doors are open, or -1
 *
 * What a kvstored was told: by its command line, which beats KV_STORE_PORT in its environment, which beats its
 * configuration file. Every value has been checked by itself.
 */
typedef struct {
  gboolean show_version;
  char **http; /* (owned) */
  gboolean http_is_default;
  char *bus; /* (owned) */
  gboolean bus_is_default;
  char *database; /* (owned) */
  gboolean store_is_default;
  KvDurability durability;
  gboolean allow_remote;
  guint http_threads;
  gboolean no_express;
  guint max_connections;
  gsize max_value_size;
  guint rate;
  guint burst;
  GLogLevelFlags log_level;
  int ready_fd;
} KvSettings;

/**
 * kv_settings_new:
 *
 * Returns: (transfer full): the settings of a kvstored that was told nothing
 */
KvSettings *kv_settings_new (void);

void kv_settings_free (KvSettings *settings);

/**
 * kv_settings_set:
 * @name: an option without its dashes
 * @value: its value; "true" for an option that takes none
 * @error: set to %KV_ERROR_INVALID_ARGUMENT, with a text that does not name the option
 *
 * Sets one value. `http` adds to the addresses that are there.
 */
gboolean
kv_settings_set (KvSettings *settings, const char *name, const char *value, GError **error);

/**
 * kv_settings_is_stored:
 *
 * Returns: whether @name is an option that may stand in a configuration file
 */
gboolean kv_settings_is_stored (const char *name);

/**
 * kv_settings_load:
 * @arguments: (array zero-terminated=1): the command line, program name first
 * @environment: (array zero-terminated=1): as g_get_environ() gives it
 * @error: set to %KV_ERROR_INVALID_ARGUMENT, with a text for the person who started the program
 *
 * Reads the command line, the environment and the configuration file. `--help` is answered at once and ends the process.
 *
 * Returns: (transfer full): the settings
 */
KvSettings *
kv_settings_load (const char *const *arguments, const char *const *environment, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvSettings, kv_settings_free)

G_END_DECLS
