/* A dynamic module of Envoy 1.40 that does nothing: what Envoy's filter for modules costs by itself. Every symbol that
 * Envoy refuses to load a module without is here; module/src/abi.rs has them with their meaning. `make bench` compiles it
 * with cc. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct { const char *start; size_t length; } bytes;
typedef const void *handle;
#define ENTRY(name) envoy_dynamic_module_on_##name
#define FILTER_ENTRY(name) ENTRY(http_filter_##name)

static const char something;

const char *ENTRY(program_init)(void) { return "v0.2.0"; }
handle FILTER_ENTRY(config_new)(void *config, bytes name, bytes text) { return &something; }
void FILTER_ENTRY(config_destroy)(handle module) {}
handle FILTER_ENTRY(per_route_config_new)(bytes name, bytes text) { return &something; }
void FILTER_ENTRY(per_route_config_destroy)(handle module) {}
handle FILTER_ENTRY(new)(handle module, void *filter) { return &something; }
void FILTER_ENTRY(destroy)(handle module) {}

/* 0 goes on. */
int FILTER_ENTRY(request_headers)(void *filter, handle module, bool end) { return 0; }
int FILTER_ENTRY(request_body)(void *filter, handle module, bool end) { return 0; }
int FILTER_ENTRY(request_trailers)(void *filter, handle module) { return 0; }
int FILTER_ENTRY(response_headers)(void *filter, handle module, bool end) { return 0; }
int FILTER_ENTRY(response_body)(void *filter, handle module, bool end) { return 0; }
int FILTER_ENTRY(response_trailers)(void *filter, handle module) { return 0; }

void FILTER_ENTRY(stream_complete)(void *filter, handle module) {}
void FILTER_ENTRY(scheduled)(void *filter, handle module, uint64_t event) {}
void FILTER_ENTRY(config_scheduled)(void *config, handle module, uint64_t event) {}
void FILTER_ENTRY(http_callout_done)(void *f, handle m, uint64_t id, uint32_t result, void *headers, size_t n, void *body, size_t b) {}
void FILTER_ENTRY(http_stream_headers)(void *f, handle m, uint64_t id, void *headers, size_t n, bool end) {}
void FILTER_ENTRY(http_stream_data)(void *f, handle m, uint64_t id, void *data, size_t n, bool end) {}
void FILTER_ENTRY(http_stream_trailers)(void *f, handle m, uint64_t id, void *trailers, size_t n) {}
void FILTER_ENTRY(http_stream_complete)(void *f, handle m, uint64_t id) {}
void FILTER_ENTRY(http_stream_reset)(void *f, handle m, uint64_t id, uint32_t reason) {}
void FILTER_ENTRY(downstream_above_write_buffer_high_watermark)(void *f, handle m) {}
void FILTER_ENTRY(downstream_below_write_buffer_low_watermark)(void *f, handle m) {}
