package jinja

var ipFilters = []entry{}

var utilsFilters = []entry{}

var utilsTests = []entry{}
