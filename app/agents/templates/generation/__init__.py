"""Having a model write a template: described, generated, validated, evaluated."""
