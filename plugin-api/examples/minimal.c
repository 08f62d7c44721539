/* The smallest useful channel: accepts every message and logs how many there were. */
#include "rejoin_plugin.h"

#include <stdio.h>
#include <stdlib.h>

#define STR(text) {(const uint8_t *)(text), sizeof(text) - 1}

struct rj_instance {
  const rj_host *host;
};

static rj_status open_it(const rj_host *host, rj_str config, rj_instance **out, rj_error *error) {
  static const char message[] = "out of memory";
  rj_instance *own = malloc(sizeof *own);
  (void)config;
  if (own == NULL) {
    error->message.ptr = (const uint8_t *)message; /* static: nothing to release */
    error->message.len = sizeof message - 1;
    return RJ_E_TRANSIENT;
  }
  own->host = host;
  *out = own;
  return RJ_OK;
}

static void close_it(rj_instance *own) { free(own); }

static rj_status send_all(rj_instance *own, const rj_batch *messages, rj_error *error) {
  char line[64];
  uint32_t i;
  (void)error;
  for (i = 0; i < messages->records && !own->host->is_cancelled(own->host->ctx); i++) {
    rj_outcome accepted = {i, RJ_ACCEPTED, {NULL, 0}, {NULL, 0}, 0, 0};
    own->host->outcome(own->host->ctx, &accepted, 1);
  }
  rj_str text = {(const uint8_t *)line, (size_t)snprintf(line, sizeof line, "took %u messages", (unsigned)i)};
  rj_str none = {NULL, 0};
  own->host->log(own->host->ctx, RJ_LOG_INFO, text, none);
  return i < messages->records ? RJ_E_CANCELLED : RJ_OK;
}

static const rj_plugin plugin = {
    .struct_size = sizeof(rj_plugin),
    .abi_major = RJ_ABI_MAJOR,
    .abi_minor = RJ_ABI_MINOR,
    .manifest_json = STR("{\"id\":\"sink\",\"version\":\"1.0.0\",\"capabilities\":[\"channel\"],\"channel\":\"sms\","
                         "\"config\":{\"type\":\"object\"}}"),
    .open = open_it,
    .close = close_it,
    .send = send_all,
};

REJOIN_PLUGIN_EXPORT rj_status rejoin_plugin_entry_v1(const rj_host *host, const rj_plugin **out) {
  if (host->abi_major != RJ_ABI_MAJOR) return RJ_E_UNSUPPORTED;
  *out = &plugin;
  return RJ_OK;
}
