{{/* Names and labels that several objects share. */}}

{{- define "zoneway.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "zoneway.fullname" -}}
{{- $name := include "zoneway.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "zoneway.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "zoneway.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* What finds the pods; it cannot change while a DaemonSet lives. */}}
{{- define "zoneway.selector" -}}
app.kubernetes.io/name: {{ include "zoneway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "zoneway.labels" -}}
{{ include "zoneway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* An image: NAME@DIGEST where there is a digest, else NAME:TAG. */}}
{{- define "zoneway.image" -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository .tag -}}
{{- end -}}
{{- end -}}

{{/* The ports that clients come in at, each once: an ingress entry is "ip:port", or an object with `listen`. */}}
{{- define "zoneway.ports" -}}
{{- $ports := list -}}
{{- range .Values.settings.ingress -}}
{{- $listen := . -}}
{{- if kindIs "map" . -}}{{- $listen = .listen -}}{{- end -}}
{{- $ports = append $ports (regexFind "[0-9]+$" $listen | int) -}}
{{- end -}}
{{- uniq $ports | toYaml -}}
{{- end -}}

{{/* A zone's name: 403 need not be quoted. */}}
{{- define "zoneway.zone" -}}
{{- if kindIs "string" . -}}{{- . -}}{{- else -}}{{- int64 . -}}{{- end -}}
{{- end -}}

{{/* What every container may do: nothing beyond its own files. */}}
{{- define "zoneway.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}
