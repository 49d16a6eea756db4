//! A selector of labels, as Kubernetes writes it in many places.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Selects what has all of these labels and meets all of these expressions; an empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LabelSelector {
    /// Labels, each with its value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) match_labels: BTreeMap<String, String>,
    /// Expressions on labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) match_expressions: Vec<Expression>,
}

/// One expression on a label.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Expression {
    /// The label.
    pub(crate) key: String,
    /// What has to hold.
    pub(crate) operator: Operator,
    /// The values of `In` and `NotIn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<String>,
}

/// What has to hold of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub(crate) enum Operator {
    /// It has one of the values.
    In,
    /// It is absent or has none of the values.
    NotIn,
    /// It is there.
    Exists,
    /// It is absent.
    DoesNotExist,
}

impl LabelSelector {
    /// Whether it selects everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether each of its expressions has values where Kubernetes wants some, and none where it does not.
    pub(crate) fn is_whole(&self) -> bool {
        let wants = |operator| matches!(operator, Operator::In | Operator::NotIn);
        self.match_expressions.iter().all(|one| wants(one.operator) != one.values.is_empty())
    }

    /// Whether something with these labels is selected.
    pub(crate) fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        let labels = self.match_labels.iter().all(|(key, value)| label(key) == Some(value.as_str()));
        let holds = |expression: &Expression| {
            let value = label(&expression.key);
            let among = || value.is_some_and(|value| expression.values.iter().any(|one| one == value));
            match expression.operator {
                Operator::In => among(),
                Operator::NotIn => !among(),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        };
        labels && self.match_expressions.iter().all(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::LabelSelector;

    #[track_caller]
    fn check(selector: &str, selects: bool) {
        let selector: LabelSelector = serde_saphyr::from_str(selector).expect("a selector");
        let labels = [("zone", "403"), ("disk", "ssd")];
        let label = |key: &str| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        assert_eq!(selector.matches(label), selects, "{selector:?}");
    }

    #[test]
    fn all_labels_and_expressions_have_to_hold() {
        check("{}", true);
        check("{matchLabels: {zone: '403'}}", true);
        check("{matchLabels: {zone: '403', disk: hdd}}", false);
        check("{matchExpressions: [{key: zone, operator: In, values: ['402', '403']}]}", true);
        check("{matchExpressions: [{key: zone, operator: NotIn, values: ['403']}]}", false);
        check("{matchExpressions: [{key: rack, operator: NotIn, values: ['403']}]}", true);
        check("{matchExpressions: [{key: rack, operator: Exists}]}", false);
        check(
            "{matchExpressions: [{key: rack, operator: DoesNotExist}, {key: disk, operator: Exists}]}",
            true,
        );
        check("{matchLabels: {zone: '403'}, matchExpressions: [{key: zone, operator: DoesNotExist}]}", false);
    }
}
