/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/connection/kv-http-connection.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvSoupOutput:
 *
 * A pollable stream into a #KvHttpConnection.
 */
#define KV_TYPE_SOUP_OUTPUT (kv_soup_output_get_type ())
G_DECLARE_FINAL_TYPE (KvSoupOutput, kv_soup_output, KV, SOUP_OUTPUT, GOutputStream)

/**
 * kv_soup_output_new:
 * @connection: (transfer none)
 */
KvSoupOutput *kv_soup_output_new (KvHttpConnection *connection);

/**
 * kv_soup_output_detach:
 *
 * Lets go of the connection. What is written then fails.
 */
void kv_soup_output_detach (KvSoupOutput *output);

/**
 * kv_soup_output_take_whole:
 *
 * Returns: whether a response has been written up to its end, since this was asked last
 */
gboolean kv_soup_output_take_whole (KvSoupOutput *output);

G_END_DECLS
