/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * kv_logging_start:
 * @level: the most talkative level that is logged
 *
 * Takes over where GLib's log messages go: to the journal, with all their fields, when standard error is
 * connected to it, else to standard error, a line each. Levels below a message are logged for our own domain only.
 * To be called once, before there are threads. Keys and values never belong in a log.
 */
void kv_logging_start (GLogLevelFlags level);

/**
 * kv_logging_format:
 * @level: the level of the message
 * @message: (array length=length): its text
 * @length: its bytes, or -1 when NUL-terminated
 *
 * Returns: (transfer full): one line with its end: `kvstored: warning: TEXT`; what would break the line or steer
 * a terminal is shown as `?`. Any thread.
 */
char *kv_logging_format (GLogLevelFlags level, const char *message, gssize length);

G_END_DECLS
